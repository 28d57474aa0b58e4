"""Keys of gatekeeper operators: in an encrypted file, or on a PIV card that never gives them away.

Map
    key_file   PKCS#12 or PEM, always under a passphrase
    piv        the card's commands over any channel
    reader     a channel through the machine's card reader (package pyscard)
    asking     which keys a command was told to use, one after the other
"""
