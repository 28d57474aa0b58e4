"""A person outside, at one of the windows: what he holds and what his browser does.

    account_list, accounts   the demo accounts with their certificates, and passwords as they change
    pages                    what a page shows: forms, links, texts
    exchange                 what a browser sends and remembers: bodies, headers, cookies, redirects
    browsing                 what every browser does: pages, forms, workbooks, redirects
    browser                  a browser over http.client, for plain threads
    sign_in                  with user name and password, changing a first password
    wage_workbook            a wage clerk's roster and the filled-in workbook

Shared by the main job (ops), the load drivers (perf) and the tests.  Imports no zone: what it knows it has from the
declarations (wire_formats) and from the pages.  Only ``browser`` opens connections; a load driver under gevent brings
its own and shares the rest.
"""
