/*! callstats-figures.mjs: what callstats.js tells a page about its own streams, loaded when a page
 * asks for it (csStatsCallback, or on("stats")). SPDX-License-Identifier: Apache-2.0 */

// Bounds for excellent and for bad, by the old service: kbps, share, ms.
const BOUNDS = {
  video: { bitrate: [1024, 256], fractionLoss: [0.1, 0.5], rtt: [400, 1000] },
  audio: { bitrate: [30, 8], fractionLoss: [0.15, 0.3], rtt: [400, 1000] },
};
const MARKS = ["bad", "fair", "excellent"];

const mark = (value, [good, bad]) => {
  const sign = good < bad ? 1 : -1;
  if (sign * value <= sign * good) return 2;
  return sign * value < sign * bad ? 1 : 0;
};

/** Return the worst mark of what is known. */
const judge = (track) => {
  const marks = Object.entries(BOUNDS[track.mediaType] ?? {})
    .filter(([name]) => Number.isFinite(track[name]))
    .map(([name, bounds]) => mark(track[name], bounds));
  return marks.length > 0 ? MARKS[Math.min(...marks)] : "unknown";
};

const inMs = (seconds) => (Number.isFinite(seconds) ? seconds * 1_000 : undefined);

/** The mean of all values so far; what is unknown does not count. */
class Mean {
  #sum = 0;
  #count = 0;

  with(value) {
    if (value !== undefined) this.#count += 1;
    this.#sum += value ?? 0;
    return this.#count > 0 ? this.#sum / this.#count : undefined;
  }
}

/** Return the state of a fabric in the old service's words. */
const stateOf = ({ isEnded, isHeld, wasEstablished, states }) => {
  const ice = states.iceconnectionstatechange;
  if (isEnded || ice === "closed") return "terminated";
  if (isHeld) return "hold";
  if (ice === "failed") return "failed";
  if (ice === "disconnected") return wasEstablished ? "disrupted" : "checkingDisrupted";
  return wasEstablished ? "established" : "initializing";
};

/** Return cname and msid by SSRC, from the session descriptions. */
const readNames = (pc) => {
  const names = {};
  for (const description of [pc.localDescription, pc.remoteDescription]) {
    const lines = description?.sdp.matchAll(/^a=ssrc:(\d+) (cname|msid):(.+?)\s*$/gm) ?? [];
    for (const [, ssrc, name, value] of lines) (names[ssrc] ??= {})[name] = value;
  }
  return names;
};

/** Turns the reports of one connection into the figures of its streams: kbps, ms, shares. */
export class Meter {
  #earlier = new Map();
  #names = {};
  #ssrcs = "";

  constructor(fabric) {
    this.fabric = fabric;
  }

  /**
   * Return what the page is told of one report: `streams` are those of `stats`, `users` says by
   * SSRC whose they are.
   */
  read(stats, streams, users) {
    const { session, conference, remote, pc } = this.fabric;
    const ssrcs = streams.map(({ ssrc }) => ssrc).join();
    if (ssrcs !== this.#ssrcs) this.#names = readNames(pc); // a large text: only when it changes
    this.#ssrcs = ssrcs;
    const rtcp = new Map(stats.map((stat) => [stat.localId, stat]));
    const pair = stats.find((stat) => stat.type === "candidate-pair" && stat.nominated) ?? {};
    const tracks = streams.map((stream) => ({
      ...this.#measure(stream, rtcp.get(stream.stat.id) ?? {}, pair),
      remoteUserID: remote,
      ...this.#names[stream.ssrc],
      ...users[stream.ssrc],
    }));
    const call = session.calls[conference];
    return {
      connectionState: session.courier.isOnline ? "online" : "offline",
      conferenceURL: `${session.server}/calls${call ? `/${call}` : ""}`,
      fabricState: stateOf(this.fabric),
      streams: Object.fromEntries(tracks.map((track) => [track.ssrc, track])),
      mediaStreamTracks: tracks,
    };
  }

  #measure({ stat, ssrc, kind, direction, packets }, rtcp, pair) {
    const first = { stat, packets, jitter: new Mean(), rtt: new Mean() };
    const before = this.#earlier.get(stat.id) ?? first;
    this.#earlier.set(stat.id, { ...before, stat, packets });
    const seconds = (stat.timestamp - before.stat.timestamp) / 1_000;
    const gained = (name) => Math.max(0, stat[name] - before.stat[name]);
    const isInbound = direction === "inbound";
    const count = Math.max(0, packets - before.packets);
    const lost = gained("packetsLost");
    const ownLoss = count + lost > 0 ? lost / (count + lost) : null;
    const bits = 8 * gained(isInbound ? "bytesReceived" : "bytesSent");
    const fractionLoss = isInbound ? ownLoss : (rtcp.fractionLost ?? null);
    const jitter = inMs(isInbound ? stat.jitter : rtcp.jitter);
    const rtt = inMs(isInbound ? pair.currentRoundTripTime : rtcp.roundTripTime);
    const track = {
      ssrc,
      statsType: stat.type,
      mediaType: kind,
      bitrate: seconds > 0 ? bits / seconds / 1_000 : null,
      packetRate: seconds > 0 ? count / seconds : null,
      fractionLoss,
      packetLossPercentage: fractionLoss === null ? undefined : 100 * fractionLoss,
      jitter,
      averageJitter: before.jitter.with(jitter),
      rtt,
      averageRTT: before.rtt.with(rtt),
      audioOutputLevel: isInbound ? stat.audioLevel : undefined,
    };
    return { ...track, quality: judge(track) };
  }
}
