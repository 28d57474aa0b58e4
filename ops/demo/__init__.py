"""The main job: a person's way through the hall, with nothing but what a browser has.

Everything here talks HTTPS to the windows with a client certificate; no zone is imported.
"""
