"""Figures of the ferry (``make bench-ferry``): the road, its diode over a lossy link with pydiode beside it, its media.

    road, road_mishaps          the round trip through both halves and the inspector; workbooks, theft, restarts
    road_site, road_requests    an installation of which only the ferry runs; requests as workers make them
    road_load, echo_core        the workers' and the core's end of the road, played from outside
    arrivals                    waits for files
    link, diode, pydiode        a network in which the kernel drops some datagrams; the parts over it; the peer
    media, witnessed_log        a medium by the operators' commands; one piece of evidence, and an audit

The product is driven through its own processes and commands (``ferrygate run``, ``ops.ferry_lab``, ``ferrygate ferry
media``): nothing here imports a zone.
"""
