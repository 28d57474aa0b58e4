"""A synthetic city: seeded, with valid numbers and no real person or company.

    shape      how large the city is and how its units are sized
    names      names of persons, units and communities, put together by chance
    people     rows of persons, units and enrolments
    ledgers    a year of assessments, receipts and postings, computed inside the database
    generate   writes it all in one transaction

The same seed and shape give the same city, so that tests and two installations agree.
"""
