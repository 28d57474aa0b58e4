"""The firewall: what an honest browser would send to this hall, and nothing else.

    routes          what may be sent where (values), and how a declared field is judged
    hall_routes     the hall's own route table → routes
    structure       what people may type into a declared field, mistakes included (pure)
    view            one request, immutable, in the order in which it is judged
    normalise       decoded forms of a text, for the negative rules (pure, linear)
    positive_model  first stage: path, parameters, lengths, characters
    negative_rules  second stage: patterns of attacks, scored; rule_sets/*.toml
    rule_check      refuses a pattern that could take more than linear time
    response_check  last stage, on the way out
    pipeline        all of it: ``WafPipeline.check(request) -> Verdict`` (pure)
    refused         what the guard raises, with the verdict
    guard           the pipeline around a handler: refuses, counts, writes the audit line (I/O)

Where the line runs. The firewall refuses what no form of this hall sends: unknown paths, parameters and choices, a
parameter twice, control characters, line breaks in a one-line field, texts four times too long, more than a few signs
that have no place in a number or a name, and known attacks in texts. Ordinary mistakes of honest people (a wrong check
digit, letters in an amount, a name that is too long) pass, so that the page can explain them field by field. A password
may hold anything printable: it is sealed before it is looked at, so only its length and control characters are judged.

Everything here is pure except ``guard``; a verdict never holds a value that was sent.
"""
