"""Lanes without a way back: what was sent is told again and again, what is missing comes by hand.

    sender    ``keeper``  keeps what it sent, tells it in manifests, takes resend lists from a folder
    receiver  ``lists``   writes the resend list while something is missing
              ``drain``   takes away what could only leave the other way

docs/diode.md, "One way only", is the operator's view.

Source: research, section 4, "learning of loss" (e).
"""
