"""kill -9 on real processes, at full size: ``make kill-campaign KILLS=1000 REQUESTS=1000000``.

material    keys, one account with its grant, both databases, empty: made once for a campaign's folder
roles       worker, low half, high half, inspector, core: real parts, real reactor, real files, one process each
ledger      what users were told, kept in the campaign's folder, so that a campaign can go on another day
__main__    starts, feeds, kills, counts, and judges at the end
"""
