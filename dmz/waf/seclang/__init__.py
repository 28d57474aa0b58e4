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
    patterns         one pattern in linear time; pattern_set filters many at once by necessary pieces (pure)
    operators        @… by name → a test of one value: text_tests, pattern_tests, address_tests, findings (pure)
    sqli  xss        @detectSQLi and @detectXSS over sql_tokens and html_tokens (pure)

The compiler that puts these together and the engine that runs a table of rules are still to come; until then nothing
outside the tests uses this package, and the firewall's own rules (``dmz/waf/rule_sets``) judge.

Everything a peer sends is ``bytes`` here; names of collections are upper-case ``str``, keys of their entries ``bytes``.
Nothing here raises for hostile input: a body that cannot be parsed sets REQBODY_ERROR, as the rules expect.

Source: ModSecurity reference manual v3; OWASP CRS.
"""
