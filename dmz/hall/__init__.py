"""The hall: every public page, from `HallRequest` to `HallResponse`.

    hall_app      puts it together: `build_hall(backend, assets, settings, …) -> Handler`
    router        the route table; also the firewall's allow-list
    backend_port  what the pages ask of the back end
    batch_port    what they are told of a workbook
    visit         one page request: who, which window, which language, which session
    pages/        one module per page or family of pages
    markup/       view models: forms, answers, tables, pagination, formats
    templates/    Jinja2, escaped by default, compiled at start-up
    texts/        the words, both languages
    error_page    the only place where an error becomes a status and a text

Invariants: nothing needs a script; no inline style or script; every text exists in both languages; whatever a person
typed survives a mistake and a time-out.
"""
