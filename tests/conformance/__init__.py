"""``make waf-conformance``: how our engine does on a Core Rule Set's own regression corpus (docs/waf.md)."""
