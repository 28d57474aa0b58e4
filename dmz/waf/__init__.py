"""The firewall: what an honest browser would send to this hall, and nothing else.

    routes          what may be sent where (values), and how a declared field is judged
    hall_routes     the hall's own route table → routes
    structure       what people may type into a declared field, mistakes included (pure)
    view            one request, immutable, in the order in which it is judged
    positive_model  first stage: path, parameters, lengths, characters (pure)
    seclang         the engine of the second stage: rules in SecLang, scored, in linear time
    rule_sets       our own rules in that language; the OWASP Core Rule Set or others can be named in ``settings``
    rule_store      rules from disk, compiled; the compiled patterns are kept (files)
    inspection      a request and an answer as the rules look at them (pure)
    response_check  form of an answer, on its way out; the rules look at its text too (pure)
    pipeline        all stages: ``WafPipeline.steps(request)``, ending in a ``verdict`` (pure)
    explain         every stage's word on one request as it was sent (pure)
    refused         what the guard raises, with the verdict
    guard           the pipeline around a handler: refuses, counts in ``metrics``, writes the audit line (I/O)

Where the line runs. The firewall refuses what no form of this hall sends: unknown paths, parameters and choices, a
parameter twice, control characters, line breaks in a one-line field, texts four times too long, more than a few signs
that have no place in a number or a name, and known attacks in texts. Ordinary mistakes of honest people (a wrong check
digit, letters in an amount, a name that is too long) pass, so that the page can explain them field by field. A password
may hold anything printable: it is sealed before it is looked at, so only its length and control characters are judged.

A verdict never holds a value that was sent.
"""
