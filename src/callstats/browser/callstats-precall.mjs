/*! callstats-precall.mjs: a call with ourselves through the TURN servers, before the real one;
 * loaded when a page asks for it. SPDX-License-Identifier: Apache-2.0 */

const PATIENCE = 15_000; // ms, for the connection
const PINGS = 10;
const PING_GAP = 100; // ms
const FLOOD = 3_000; // ms of sending as fast as it goes
const SETTLE = 500; // ms for what is still on its way
const MESSAGE = 1_000; // bytes
const BUFFER = 64_000; // bytes that wait to be sent; more measures memory
const MIN_INTERVAL = 30; // seconds between two tests

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

const mean = (values) =>
  values.length > 0 ? values.reduce((sum, value) => sum + value) / values.length : null;

/** Connect two ends of our own through the relay; resolves to the near end's open channel. */
const connect = async (near, far, onMessage) => {
  near.onicecandidate = ({ candidate }) => far.addIceCandidate(candidate).catch(() => {});
  far.onicecandidate = ({ candidate }) => near.addIceCandidate(candidate).catch(() => {});
  far.ondatachannel = ({ channel }) => (channel.onmessage = ({ data }) => onMessage(data, channel));
  const channel = near.createDataChannel("callstats", { ordered: false, maxRetransmits: 0 });
  channel.binaryType = "arraybuffer";
  const opened = new Promise((resolve) => (channel.onopen = () => resolve(true)));
  await near.setLocalDescription();
  await far.setRemoteDescription(near.localDescription);
  await far.setLocalDescription();
  await near.setRemoteDescription(far.localDescription);
  if (await Promise.race([opened, sleep(PATIENCE)])) return channel;
  throw new Error("no connection through the TURN servers");
};

/** Return round trips in ms; each ping carries the moment it was sent at. */
const ping = async (channel) => {
  const rtts = [];
  channel.onmessage = ({ data }) => rtts.push(performance.now() - Number(data));
  for (let count = 0; count < PINGS; count += 1) {
    channel.send(String(performance.now()));
    await sleep(PING_GAP);
  }
  await sleep(SETTLE);
  return rtts;
};

/** Send for three seconds as fast as the relay takes it; returns the bytes sent. */
const flood = async (channel) => {
  const message = new Uint8Array(MESSAGE);
  const end = performance.now() + FLOOD;
  let sent = 0;
  while (performance.now() < end && channel.readyState === "open") {
    for (; channel.bufferedAmount < BUFFER; sent += MESSAGE) channel.send(message);
    await sleep(10);
  }
  await sleep(SETTLE);
  return sent;
};

const measure = async (iceServers) => {
  const ends = [1, 2].map(() => new RTCPeerConnection({ iceServers, iceTransportPolicy: "relay" }));
  let received = 0;
  const onMessage = (data, channel) => {
    if (typeof data === "string") channel.send(data);
    else received += data.byteLength ?? data.size;
  };
  try {
    const channel = await connect(...ends, onMessage);
    const rtts = await ping(channel);
    const bytesSent = await flood(channel);
    return { rtts, bytesSent, received };
  } finally {
    for (const end of ends) end.close();
  }
};

const conclude = ({ rtts, bytesSent, received }) => ({
  mediaConnectivity: true,
  throughput: (received * 8) / FLOOD, // bits in a ms are kbps
  fractionalLoss: bytesSent > 0 ? Math.max(0, 1 - received / bytesSent) : null,
  rtt: mean(rtts),
  jitter: mean(rtts.slice(1).map((rtt, index) => Math.abs(rtt - rtts[index]))),
  bytesSent,
});

const FAILED = { mediaConnectivity: false, throughput: null, fractionalLoss: null, rtt: null };

/** Test once and say how it went: `say(nameOfCallback, ...what it is called with)`. */
export const run = async (iceServers, provider, say) => {
  const startTimestamp = Date.now();
  const found = await measure(iceServers).then(conclude, (error) => ({
    ...FAILED,
    failure: String(error?.message ?? error),
  }));
  const endTimestamp = Date.now();
  const result = { ...found, provider, timestamp: endTimestamp, startTimestamp, endTimestamp };
  say("preCallTestResults", "success", result);
  say("preCallTest", result);
  return result;
};

/** Test again and again, and recommend by the latest result. */
export const repeat = (iceServers, interval, say) => {
  const test = async () => {
    const { provider, rtt, jitter, fractionalLoss, throughput, mediaConnectivity } = await run(
      iceServers,
      "callstats",
      say,
    );
    const loss = { fractionLost: fractionalLoss };
    say("connectionRecommendation", {
      aggregatedStats: [{ provider, roundTripTime: rtt, jitter, ...loss, throughput }],
      providerRanking: [{ provider, acceptable: mediaConnectivity }],
    });
  };
  test();
  const timer = setInterval(test, Math.max(MIN_INTERVAL, interval || 60) * 1_000);
  return { stop: () => clearInterval(timer) };
};
