"""An engine for rules in SecLang, the language of the OWASP Core Rule Set: loads them unmodified, judges requests.

    model            what a rule says, as values
    lexer            a file's text → directives (pure)
    actions          an action list → actions, with their order and arguments (pure)
    reader           directives → RuleSet; follows Include, reads data files through what is passed in
    transformations  t:… by name: bytes → bytes, linear in their length (pure)
    patterns         regular expressions in linear time: RE2 and Hyperscan, or the standard library with length caps
    operators        @… by name: compiled to a test of one value (pure)
    sqli  xss        @detectSQLi, @detectXSS: detectors of our own (pure)
    transaction      one request's collections: ARGS, REQUEST_HEADERS, TX … (pure)
    bodies           urlencoded, multipart, JSON and XML bodies → collections, with bounds (pure)
    compiler         rules → closures, a table by phase
    engine           runs the table over a transaction: matches, scores, the verdict

Everything a peer sends is ``bytes`` here; names of collections are upper-case ``str``, keys of their entries ``bytes``.
Nothing here raises for hostile input: a body that cannot be parsed sets REQBODY_ERROR, as the rules expect.

Source: ModSecurity reference manual v3; OWASP CRS; decision record on the rule engine.
"""
