"""Rules in SecLang, the language of the OWASP Core Rule Set: read unmodified, and made ready to judge requests.

    model            what a rule says, as values
    lexer            a file's text → directives (pure)
    actions clauses  an action list, a variable list, an operator → values (pure)
    names            the words the language knows
    rules updates    directives → rules and chains; rules changed and taken away by later directives
    files            where rule and data files are read from
    reader           all of it: ``read_rule_set(names, files) -> RuleSet``
    transformations  t:… by name: bytes → bytes, linear in their length (pure); decoding, web_text, text_shapes
    sent_request     one request as it was sent (pure)
    bodies multipart urlencoded, JSON, XML and multipart bodies → collections, with bounds (pure)
    transaction      one request's collections: ARGS, REQUEST_HEADERS, TX … (pure)
    targets          a rule's variables → what it looks at in a transaction
    effects          ``setvar`` and ``ctl`` → changes of a transaction (pure)
    patterns         one pattern in linear time; pattern_syntax and look_behind say it in other engines' words,
                     pattern_cost bounds Python's own (pure)
    pattern_set      many patterns at once: which of them may match; necessary is its way without Hyperscan (pure)
    operators        @… by name → a test of one value, with findings: text_tests, pattern_tests, address_tests (pure)
    sqli  xss        @detectSQLi and @detectXSS over sql_tokens and html_tokens (pure)

    folding          what of a rule set is settled before any request (pure)
    views            what values become under chains of transformations, each beginning once (pure)
    compiler         a rule set → compiled, a table of rules by phase; prefilter says which may match a value (pure)
    engine           runs a table over a request: run is one request's way, judgement what came of it (pure)

Everything a peer sends is ``bytes`` here; names of collections are upper-case ``str``, keys of their entries ``bytes``.
Nothing here raises for hostile input: a body that cannot be parsed sets REQBODY_ERROR, as the rules expect.

Source: ModSecurity reference manual v3; OWASP CRS.
"""
