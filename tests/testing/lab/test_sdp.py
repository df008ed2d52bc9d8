import pytest

from callstats.errors import BadInput
from callstats.testing.lab import sdp

DESCRIPTION = """\
v=0
m=audio 9 UDP/TLS/RTP/SAVPF 111
a=candidate:1 1 udp 2122260223 192.0.2.7 50000 typ host generation 0
a=candidate:2 1 udp 2122194687 127.0.0.1 50001 typ host generation 0
a=candidate:3 1 tcp 1518280447 127.0.0.1 9 typ host tcptype active
a=candidate:4 1 udp 1686052607 198.51.100.7 50002 typ srflx raddr 0.0.0.0 rport 0
a=candidate:5 1 udp 2122262783 ::1 50003 typ host
a=end-of-candidates
m=video 9 UDP/TLS/RTP/SAVPF 96
a=mid:1
""".replace("\n", "\r\n")


def test_only_the_loopback_host_candidate_is_an_address() -> None:
    assert sdp.address(DESCRIPTION) == ("127.0.0.1", 50001)


def test_a_rewritten_description_names_the_new_address_alone() -> None:
    rewritten = sdp.with_address(DESCRIPTION, ("127.0.0.1", 40000))
    assert [line for line in rewritten.split("\r\n") if "candidate:" in line] == [
        "a=candidate:2 1 udp 2122194687 127.0.0.1 40000 typ host"
    ]
    assert [line for line in rewritten.split("\r\n") if "candidate:" not in line] == [
        line for line in DESCRIPTION.split("\r\n") if "candidate:" not in line
    ]


def test_a_description_without_loopback_is_refused() -> None:
    with pytest.raises(BadInput, match="found no UDP candidate on loopback"):
        sdp.address("v=0\r\nm=audio 9\r\n")
