from callstats.testing.lab.wrtc import allow_loopback

# While tests are collected, before another test makes a connection of wrtc.
allow_loopback()
