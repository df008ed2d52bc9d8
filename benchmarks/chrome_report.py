"""What does Chrome report of a call that goes on? 42 stats, 30 kB, different every time."""

from typing import Any


def stats(client: int, n: int, now_ms: float) -> list[dict[str, Any]]:
    """Return the 42 stats of one connection at its n-th report, as Chrome would say them."""
    t = now_ms + n * 5000
    made = [
        {"type": "peer-connection", "id": "P", "dataChannelsClosed": 0, "dataChannelsOpened": 1},
        {
            "type": "transport",
            "id": "T01",
            "bytesReceived": 1_400_000 * n + client,
            "bytesSent": 1_300_000 * n,
            "packetsReceived": 1500 * n,
            "packetsSent": 1400 * n,
            "dtlsCipher": "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
            "dtlsRole": "client",
            "dtlsState": "connected",
            "iceRole": "controlling",
            "iceState": "connected",
            "iceLocalUsernameFragment": "yDRp",
            "localCertificateId": "CF-local",
            "remoteCertificateId": "CF-remote",
            "selectedCandidatePairChanges": 1,
            "selectedCandidatePairId": "CP0",
            "srtpCipher": "AES_CM_128_HMAC_SHA1_80",
            "tlsVersion": "FEFD",
        },
        *(certificate(side) for side in ("local", "remote")),
        *(codec(number) for number in range(8)),
        *(candidate(side, number) for side in ("local", "remote") for number in range(4)),
        *(pair(number, n) for number in range(4)),
        *(source(kind, n) for kind in ("audio", "video")),
        {
            "type": "media-playout",
            "id": "AP",
            "kind": "audio",
            "synthesizedSamplesDuration": 0.02 * n,
            "synthesizedSamplesEvents": n,
            "totalPlayoutDelay": 9000.5 * n,
            "totalSamplesCount": 240_000 * n,
            "totalSamplesDuration": 5.0 * n,
        },
        *(outbound(number, client, n) for number in range(4)),
        *(remote_inbound(number, client, n) for number in range(4)),
        *(inbound(number, client, n) for number in range(4)),
        *(remote_outbound(number, client, n) for number in range(3)),
    ]
    return [{**each, "timestamp": t + 0.123} for each in made]


def certificate(side: str) -> dict[str, Any]:
    return {
        "type": "certificate",
        "id": f"CF-{side}",
        "fingerprintAlgorithm": "sha-256",
        "fingerprint": ":".join(["5E"] * 32),
        "base64Certificate": "MIIBFjCBvaADAgECAgkA" * 190,
    }


def codec(number: int) -> dict[str, Any]:
    return {
        "type": "codec",
        "id": f"CT{number}",
        "payloadType": 96 + number,
        "transportId": "T01",
        "mimeType": f"video/H264-{number}",
        "clockRate": 90000,
        "sdpFmtpLine": "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
    }


def candidate(side: str, number: int) -> dict[str, Any]:
    return {
        "type": f"{side}-candidate",
        "id": f"I{side}{number}",
        "transportId": "T01",
        "address": "192.0.2.7",
        "candidateType": "host",
        "foundation": "2613081219",
        "ip": "192.0.2.7",
        "isRemote": side == "remote",
        "networkType": "wifi",
        "port": 50000,
        "priority": 2122262783,
        "protocol": "udp",
        "usernameFragment": "yDRp",
        "vpn": False,
        "networkAdapterType": "wifi",
        "relatedAddress": "192.0.2.7",
        "relatedPort": 50000,
        "url": "stun:stun.example.org:3478",
        "tcpType": "",
    }


def pair(number: int, n: int) -> dict[str, Any]:
    chosen = number == 0
    moving = n if chosen else 0
    return {
        "type": "candidate-pair",
        "id": f"CP{number}",
        "nominated": chosen,
        "writable": chosen,
        "state": "succeeded" if chosen else "waiting",
        "transportId": "T01",
        "localCandidateId": f"Ilocal{number}",
        "remoteCandidateId": f"Iremote{number}",
        "availableOutgoingBitrate": 2_500_000.0 + 1000 * (moving % 7),
        "priority": 2**40,
        "bytesDiscardedOnSend": 0,
        "bytesReceived": 1_400_000 * moving,
        "consentRequestsSent": n,
        "bytesSent": 1_300_000 * moving,
        "currentRoundTripTime": 0.04 + 0.001 * (moving % 9),
        "lastPacketReceivedTimestamp": 1.7e12 + moving,
        "packetsDiscardedOnSend": 0,
        "packetsReceived": 1500 * moving,
        "packetsSent": 1400 * moving,
        "requestsReceived": 2 * moving,
        "requestsSent": 2 * moving + 1,
        "responsesReceived": 2 * moving,
        "responsesSent": 2 * moving,
        "totalRoundTripTime": 0.08 * moving,
    } | ({} if chosen else {"consentRequestsSent": 0})


def source(kind: str, n: int) -> dict[str, Any]:
    common = {"type": "media-source", "id": f"S{kind}", "kind": kind, "trackIdentifier": "t" * 36}
    if kind == "audio":
        return {
            **common,
            "audioLevel": 0.1 + 0.01 * (n % 5),
            "totalAudioEnergy": 0.02 * n,
            "totalSamplesDuration": 5.0 * n,
            "echoReturnLoss": -30.0,
            "echoReturnLossEnhancement": 0.17551203072071075,
        }
    return {**common, "frames": 150 * n, "framesPerSecond": 30, "width": 1280, "height": 720}


def outbound(number: int, client: int, n: int) -> dict[str, Any]:
    common = {
        "type": "outbound-rtp",
        "id": f"OT{number}",
        "ssrc": 1000 * client + number,
        "kind": "audio" if number == 0 else "video",
        "mid": str(min(number, 1)),
        "mediaType": "video",
        "codecId": f"CT{number}",
        "transportId": "T01",
        "active": True,
        "mediaSourceId": "Svideo",
        "remoteId": f"RI{number}",
        "trackIdentifier": "t" * 36,
        "packetsSent": 250 * n,
        "bytesSent": 300_000 * n,
        "headerBytesSent": 7000 * n,
        "nackCount": n // 9,
        "retransmittedPacketsSent": n // 5,
        "targetBitrate": 1_200_000.0,
        "retransmittedBytesSent": 1100 * (n // 5),
        "totalPacketSendDelay": 0.9 * n,
    }
    if number == 0:
        return common
    return common | {
        "encoderImplementation": "libvpx",
        "powerEfficientEncoder": False,
        "rid": f"r{number}",
        "firCount": 0,
        "pliCount": n // 20,
        "frameWidth": 1280,
        "frameHeight": 720,
        "framesEncoded": 150 * n,
        "framesPerSecond": 30,
        "framesSent": 150 * n,
        "qpSum": 3000 * n,
        "hugeFramesSent": 0,
        "keyFramesEncoded": 1 + n // 20,
        "scalabilityMode": "L1T2",
        "qualityLimitationReason": "none",
        "qualityLimitationResolutionChanges": 0,
        "qualityLimitationDurations": {"bandwidth": 0, "cpu": 0, "none": 5.0 * n, "other": 0},
        "rtxSsrc": 77,
        "totalEncodeTime": 0.6 * n,
        "totalEncodedBytesTarget": 0,
        "contentType": "realtime",
        "packetsSentWithEct1": 0,
        "psnrSum": {"y": 41.2 * n, "u": 44.1 * n, "v": 44.7 * n},
        "psnrMeasurements": n,
        "encodingIndex": number - 1,
    }


def remote_inbound(number: int, client: int, n: int) -> dict[str, Any]:
    return {
        "type": "remote-inbound-rtp",
        "id": f"RI{number}",
        "ssrc": 1000 * client + number,
        "kind": "video",
        "codecId": f"CT{number}",
        "transportId": "T01",
        "jitter": 0.004,
        "localId": f"OT{number}",
        "packetsLost": n // 4,
        "fractionLost": 0.01 * (n % 3),
        "roundTripTime": 0.04 + 0.002 * (n % 5),
        "roundTripTimeMeasurements": 5 * n,
        "totalRoundTripTime": 0.2 * n,
        "packetsReceived": 249 * n,
        "packetsWithBleachedEct1Marking": 0,
        "packetsReceivedWithEct1": 0,
        "packetsReceivedWithCe": 0,
        "packetsReportedAsLost": n // 4,
        "packetsReportedAsLostButRecovered": n // 8,
        "reportsReceived": 5 * n,
    }


def inbound(number: int, client: int, n: int) -> dict[str, Any]:
    common = {
        "type": "inbound-rtp",
        "id": f"IT{number}",
        "ssrc": 2000 * client + number,
        "kind": "audio" if number < 2 else "video",
        "mid": str(number),
        "mediaType": "video",
        "codecId": f"CT{number}",
        "transportId": "T01",
        "trackIdentifier": "u" * 36,
        "remoteId": f"RO{number}",
        "packetsReceived": 250 * n,
        "bytesReceived": 280_000 * n,
        "headerBytesReceived": 7000 * n,
        "jitter": 0.003 + 0.001 * (n % 4),
        "packetsLost": n // 3,
        "lastPacketReceivedTimestamp": 1.7e12 + 5000 * n,
        "packetsDiscarded": 0,
        "jitterBufferDelay": 18.6 * n,
        "jitterBufferEmittedCount": 240_000 * n,
        "jitterBufferMinimumDelay": 17.2 * n,
        "jitterBufferTargetDelay": 18.1 * n,
        "playoutId": "AP",
        "estimatedPlayoutTimestamp": 3_900_000_000_000.0 + 5000 * n,
        "retransmittedPacketsReceived": n // 5,
        "retransmittedBytesReceived": 1100 * (n // 5),
        "packetsReceivedWithEct1": 0,
        "packetsReceivedWithCe": 0,
        "packetsReportedAsLost": n // 3,
        "packetsReportedAsLostButRecovered": n // 7,
        "fecBytesReceived": 0,
        "fecSsrc": 0,
        "rtxSsrc": 3000 * client + number,
        "jitterBufferFlushes": 0,
        "delayedPacketOutageSamples": 0,
        "relativePacketArrivalDelay": 2.25 * n,
        "interruptionCount": 0,
        "totalInterruptionDuration": 0,
    }
    if number < 2:
        return common | {
            "audioLevel": 0.05 * (n % 7),
            "concealedSamples": 960 * (n // 4),
            "concealmentEvents": n // 4,
            "fecPacketsReceived": 0,
            "fecPacketsDiscarded": 0,
            "insertedSamplesForDeceleration": 100 * n,
            "silentConcealedSamples": 0,
            "removedSamplesForAcceleration": 120 * n,
            "totalAudioEnergy": 0.3 * n,
            "totalSamplesDuration": 5.0 * n,
            "totalSamplesReceived": 240_000 * n,
        }
    return common | {
        "decoderImplementation": "libvpx",
        "firCount": 0,
        "frameWidth": 1280,
        "frameHeight": 720,
        "framesDecoded": 149 * n,
        "framesDropped": n // 8,
        "framesPerSecond": 29 + n % 2,
        "framesReceived": 150 * n,
        "freezeCount": n // 30,
        "keyFramesDecoded": 1 + n // 20,
        "framesAssembledFromMultiplePackets": 140 * n,
        "googTimingFrameInfo": "1,2,3,4,5,6,7,8",
        "nackCount": n // 6,
        "pauseCount": 0,
        "pliCount": n // 25,
        "qpSum": 2900 * n,
        "powerEfficientDecoder": False,
        "totalAssemblyTime": 0.5 * n,
        "totalDecodeTime": 0.4 * n,
        "totalFreezesDuration": 0.2 * (n // 30),
        "totalInterFrameDelay": 5.0 * n,
        "totalPausesDuration": 0,
        "totalProcessingDelay": 9.1 * n,
        "totalSquaredInterFrameDelay": 0.17 * n,
        "corruptionMeasurements": 0,
        "totalCorruptionProbability": 0,
        "totalSquaredCorruptionProbability": 0,
        "minPlayoutDelay": 0,
        "contentType": "realtime",
    }


def remote_outbound(number: int, client: int, n: int) -> dict[str, Any]:
    return {
        "type": "remote-outbound-rtp",
        "id": f"RO{number}",
        "ssrc": 2000 * client + number,
        "kind": "video",
        "codecId": f"CT{number}",
        "transportId": "T01",
        "packetsSent": 250 * n,
        "localId": f"IT{number}",
        "bytesSent": 290_000 * n,
        "remoteTimestamp": 1.7e12 + 5000 * n,
        "reportsSent": 5 * n,
        "roundTripTimeMeasurements": 0,
        "totalRoundTripTime": 0,
    }
