/*! callstats.js: tells a callstats server how the WebRTC calls of this page are going.
 * SPDX-License-Identifier: Apache-2.0 */

// The words of the old service's library (fabric, confID, mst) are kept where a page says or hears
// them. From there on a fabric is a connection, and what happens becomes records, one line of JSON
// each, numbered once and for good (see Queue), which the courier carries to POST /v1/batch.
// This script is a guest: it throws nothing into the page, keeps a bounded number of records, and
// counts and reports what it had to drop. docs/guides/browser.md is its manual.
((global) => {
  "use strict";

  const VERSION = "1.0.0";

  // Figures; times in ms

  const INTERVAL = 5_000; // between two reports of a connection
  const TICK = 1_000; // between two looks at what is due, and at connections that closed silently
  const PATIENCE = 10_000; // for one getStats
  const LINGER = 300; // what happens within it travels together
  const TIMEOUT = 15_000; // of one request
  const GENERATOR_PATIENCE = 60_000; // for the page's token generator
  const FIRST_PAUSE = 500; // between two attempts, doubling up to the longest
  const LONGEST_PAUSE = 10_000;
  const ALIVE = 10_000; // a conference with nothing to tell says so this often; gone after 30 s
  const SPILL = 2_000; // what is not answered by then goes to disk
  const MAX_AGE = 7 * 86_400_000; // of what an earlier life of the page left on disk
  const MAX_LIVES = 20; // whose records are kept on disk
  const MAX_RECORDS = 10_000;
  const MAX_CHARS = 16_000_000; // 20 minutes of a call of two, 3 of a call of ten
  const MAX_LINE = 524_288; // bytes; the server's bound for one record
  const MAX_TEXT = 65_536; // characters; the same for one text
  const MAX_NAME = 512;
  const BATCH_CHARS = 250_000; // below the server's 1 MB even if each character takes three bytes
  const BATCH_RECORDS = 1_000;
  const FAREWELL_CHARS = 60_000; // browsers allow 64 kB in flight from a page that closes
  const DISRUPTED = 10_000; // without a packet in one direction only: one-way media
  const DISRUPTION_GAP = 30_000; // between two such reports
  const WIFI = 10_000; // between two calls of the page's handler for it

  // Vocabulary

  const enumeration = (names) => Object.fromEntries(names.split(" ").map((name) => [name, name]));

  const ERRORS = {
    argumentError: "Argument missing/invalid",
    fabricEventInvalid: "Invalid fabricEvents value",
    fabricUsageInvalid: "Invalid fabricUsage value",
    notInitialized: "SDK is not initialized or no Fabrics added",
    pcInvalid: "Invalid PeerConnection object passed",
    webRTCFunctionsInvalid: "Invalid webRTC functionName value",
    setProxyConfigInvokeError: "cannot be called if window.csioproxy is false",
    apiaccesserror: "API access Error",
    invalidEndPointType: "Invalid endPointType value",
    invalidTransmissionDirection: "Invalid transmissionDirection value",
  };
  const webRTCFunctions = enumeration(
    "createOffer createAnswer setLocalDescription setRemoteDescription addIceCandidate " +
      "getUserMedia iceConnectionFailure signalingError applicationError applicationLog",
  );
  const vocabulary = {
    version: VERSION,
    fabricUsage: enumeration("multiplex audio video screen data unbundled"),
    fabricEvent: enumeration(
      "fabricSetup fabricSetupFailed fabricHold fabricResume audioMute audioUnmute videoPause " +
        "videoResume fabricUsageEvent fabricStats fabricTerminated screenShareStart " +
        "screenShareStop dominantSpeaker activeDeviceList applicationErrorLog callDetails " +
        "callUnAnswered",
    ),
    webRTCFunctions,
    wrtcFuncNames: webRTCFunctions,
    csError: {
      ...enumeration(
        "httpError authError wsChannelFailure success csProtoError appConnectivityError " +
          "tokenGenerationError authOngoing",
      ),
      ok: "OK",
      invalidWebRTCFunctionName: ERRORS.webRTCFunctionsInvalid,
      invalidEndPointType: ERRORS.invalidEndPointType,
      invalidTransmissionDirection: ERRORS.invalidTransmissionDirection,
    },
    callStatsAPIReturnStatus: enumeration("success failure"),
    transmissionDirection: enumeration("sendonly receiveonly sendrecv inactive"),
    endpointType: enumeration("peer server"),
    userIDType: enumeration("local remote"),
    callType: enumeration("unknown inbound outbound monitoring"),
    roles: enumeration("agent participant manager"),
    qualityRating: { excellent: 5, good: 4, fair: 3, poor: 2, bad: 1 },
  };
  const callbackFunctions = enumeration(
    "stats defaultConfig recommendedConfig preCallTestResults preCallTest " +
      "connectionRecommendation mediaDisruption pctConnectionQualityChange",
  );
  const STATES = {
    connectionstatechange: "connectionState", // Firefox has it from 113 on
    iceconnectionstatechange: "iceConnectionState",
    icegatheringstatechange: "iceGatheringState",
    signalingstatechange: "signalingState",
  };
  const PLAYBACK = {
    playing: "mediaPlaybackStart",
    stalled: "mediaPlaybackStalled",
    suspend: "mediaPlaybackSuspended",
  };

  // Small things

  const hex = (bytes) =>
    Array.from(crypto.getRandomValues(new Uint8Array(bytes)), (byte) =>
      byte.toString(16).padStart(2, "0"),
    ).join("");

  const isName = (value) => typeof value === "string" && value !== "" && value.length <= MAX_NAME;

  let complaints = 0;

  /** Tell whoever looks at the console, but not for ever; returns undefined. */
  const complain = (error) => {
    if (complaints++ < 20) console.warn("callstats.js:", error);
  };

  /** Return the function with its errors, also late ones, kept from the page. */
  const safely =
    (work) =>
    (...args) => {
      try {
        const result = work(...args);
        return result instanceof Promise ? result.catch(complain) : result;
      } catch (error) {
        return complain(error);
      }
    };

  /** Run a callback of the page's, if it is one. */
  const call = safely((callback, ...args) => typeof callback === "function" && callback(...args));

  /** Hold a lock for as long as the page lives; false if that is not possible (in time). */
  const hold = (name, options = {}) =>
    new Promise((resolve) => {
      const keep = (lock) => {
        resolve(Boolean(lock));
        return lock && new Promise(() => {});
      };
      navigator.locks.request(`callstats.${name}`, options, keep).catch(() => resolve(false));
    });

  /** Name this device: the same after a reload and tomorrow, another for each tab that is open. */
  const nameDevice = async () => {
    let base = hex(8);
    try {
      base = localStorage.callstatsDevice ??= base;
    } catch {
      return base; // the page may not store anything
    }
    if (!navigator.locks) return `${base}-${hex(3)}`;
    const abort = new AbortController();
    setTimeout(() => abort.abort(), 1_000); // a page that is being reloaded may still hold it
    if (await hold(base, { signal: abort.signal })) return base;
    for (let slot = 2; slot < 100; slot += 1) {
      if (await hold(`${base}-${slot}`, { ifAvailable: true })) return `${base}-${slot}`;
    }
    return `${base}-${hex(3)}`;
  };

  /** Return devices as the old service knew them; entries without an id are left out. */
  const describeDevices = (devices) => ({
    mediaDeviceList: devices
      .filter((device) => device?.deviceId)
      .map(({ deviceId: mediaDeviceID, kind, label, groupId: groupID }) => ({
        mediaDeviceID,
        kind,
        label,
        groupID,
      })),
  });

  /** Keeps lines on disk (IndexedDB), by owner, client and number. Without a disk it keeps none. */
  class Vault {
    #opening;
    #db;

    constructor(owner) {
      this.owner = owner;
    }

    open() {
      this.#opening ??= new Promise((resolve) => {
        const request = indexedDB.open("callstats", 1);
        request.onupgradeneeded = () => request.result.createObjectStore("lines");
        request.onsuccess = () => resolve((this.#db = request.result));
        request.onerror = () => resolve((this.#opening = null)); // the next one tries again
      }).catch(() => null); // IndexedDB is missing, or forbidden here
      return this.#opening;
    }

    /** Do something in one transaction, and resolve to the result of the request it returns. */
    #transact = safely(async (mode, work) => {
      // Without waiting if it is open: a page that closes has no later moment.
      const db = this.#db ?? (await this.open());
      if (!db) return undefined;
      return new Promise((resolve) => {
        const transaction = db.transaction("lines", mode);
        const request = work(transaction.objectStore("lines"));
        transaction.oncomplete = () => resolve(request?.result);
        transaction.onabort = () => resolve(); // the disk is full
        if (mode === "readwrite") transaction.commit?.();
      });
    });

    #range(client, from = 0, to = Infinity) {
      return IDBKeyRange.bound([this.owner, client, from], [this.owner, client, to]);
    }

    keep(client, lines) {
      return this.#transact("readwrite", (store) => {
        for (const line of lines) store.put(line, [this.owner, client, line.seq]);
      });
    }

    forget(client, from, to) {
      return this.#transact("readwrite", (store) => store.delete(this.#range(client, from, to)));
    }

    async read(client) {
      return (await this.#transact("readonly", (store) => store.getAll(this.#range(client)))) ?? [];
    }

    /** Return the clients that left something, the latest first. */
    async clients() {
      const ours = IDBKeyRange.bound([this.owner], [this.owner, []]);
      const keys = await this.#transact("readonly", (store) => store.getAllKeys(ours));
      return [...new Set(keys?.map(([, client]) => client))].sort().reverse();
    }
  }

  /**
   * The records of one client (one life of one sender) that the server has not answered for.
   *
   * (client, seq) is a record's identity, so it may be sent and repeated by this page or by the
   * next one, and counts once. The server takes numbers in rising order: what is not answered goes
   * again before anything newer.
   */
  class Queue {
    #limit = BATCH_CHARS;
    #batch = null; // the lines that are being sent, unchanged until answered

    constructor(client, lines = []) {
      this.client = client;
      this.lines = lines;
      this.seq = 0;
      this.chars = 0;
    }

    /** Add a record, given as its common members and the JSON of the others; false: too large. */
    add({ type, ...head }, tail) {
      const start = JSON.stringify({ type, seq: this.seq + 1, ...head });
      const text = tail === "{}" ? start : `${start.slice(0, -1)},${tail.slice(1)}`;
      if (text.length * 3 > MAX_LINE && new Blob([text]).size > MAX_LINE) return false;
      this.seq += 1;
      this.chars += text.length;
      const { at, conference } = head;
      this.lines.push({ seq: this.seq, type, conference, at, text });
      return true;
    }

    get isFull() {
      return this.lines.length > MAX_RECORDS || this.chars > MAX_CHARS;
    }

    /** Remove and return what can be spared most: a report (the next one tells it again), a log. */
    spare() {
      const from = this.#batch?.length ?? 0;
      const find = (type) => this.lines.findIndex((line, at) => at >= from && line.type === type);
      const index = [find("report"), find("log"), from].find((at) => at >= 0);
      return this.#remove(index, 1)[0];
    }

    #remove(start, count) {
      const removed = this.lines.splice(start, count);
      for (const line of removed) this.chars -= line.text.length;
      return removed;
    }

    /** Return the lines to send now: those of the last attempt, else the oldest. */
    take() {
      return (this.#batch ??= this.#upTo(this.#limit).slice(0, BATCH_RECORDS));
    }

    /** Return what can be sent from a page that closes. */
    takeLast() {
      return this.#upTo(FAREWELL_CHARS);
    }

    #upTo(chars) {
      const end = this.lines.findIndex((line) => (chars -= line.text.length) < 0);
      return end < 0 ? this.lines : this.lines.slice(0, Math.max(end, 1));
    }

    /** Forget the batch, which was answered for. */
    settle() {
      this.#remove(0, this.#batch.length);
      this.#batch = null;
    }

    /** Send less at a time; false if it is one line already. */
    halve() {
      if (this.#batch.length === 1) return false;
      this.#limit /= 2;
      this.#batch = null;
      return true;
    }

    body(lines) {
      const agent = `callstats.js/${VERSION}`;
      const { client } = this;
      const header = { type: "batch", version: 1, client, sentAt: Date.now(), agent };
      return [JSON.stringify(header), ...lines.map((line) => line.text)].join("\n");
    }
  }

  const NDJSON = { "Content-Type": "application/x-ndjson" };

  const gzip = (text) =>
    new Response(
      new Blob([text]).stream().pipeThrough(new CompressionStream("gzip")),
    ).arrayBuffer();

  /** Gets a token and empties queues, one batch at a time, for as long as it takes. */
  class Courier {
    queues = [];
    isOnline = false;
    iceServers = [];
    #token = null;
    #renewAt = 0;
    #rejections = 0; // of the page's proof, since a token was given
    #strikes = 0; // of the server's own token, since a batch was taken
    #attempt = 0;
    #timer = null;
    #isCarrying = false;
    #isStopped = false;
    #cutPause = () => {};

    /** `tell(status, message)` hears how the server takes us, `onAnswer` what became of a batch. */
    constructor({ server, appId, userId, credential, tell, onAnswer, onSuccess }) {
      Object.assign(this, { server, appId, userId, credential, tell, onAnswer, onSuccess });
    }

    wake(delay = LINGER) {
      this.#timer ??= setTimeout(() => {
        this.#timer = null;
        this.#carry();
      }, delay);
    }

    /** Try again now: the network is back. */
    hurry = () => {
      this.#cutPause();
      this.wake(0);
    };

    /** Sign in anew, and say so. */
    renew(credential) {
      this.credential = credential;
      this.#token = null;
      this.#isStopped = false;
      this.wake(0);
    }

    #carry = safely(async () => {
      if (this.#isCarrying) return;
      this.#isCarrying = true;
      try {
        while (!this.#isStopped && (!this.#token || this.#next)) {
          const pause = (await this.#signIn()) || (await this.#deliver());
          if (pause) {
            await new Promise((resolve) => {
              this.#cutPause = resolve;
              setTimeout(resolve, pause);
            });
          }
        }
      } finally {
        this.#isCarrying = false;
      }
    });

    get #next() {
      return this.queues.find((queue) => queue.lines.length > 0);
    }

    /** Get a token unless there is one; returns a pause (ms) if that has to be tried again. */
    async #signIn() {
      if (this.#token && Date.now() < this.#renewAt) return 0;
      let proof;
      try {
        proof = await this.#prove();
      } catch (error) {
        return this.#stop("tokenGenerationError", error);
      }
      const body = JSON.stringify({ appId: this.appId, ...proof });
      const reply = await this.#post("/v1/token", body, { "Content-Type": "application/json" });
      if (reply.isLater) return this.#pauseFor(reply);
      const { token, expiresIn, iceServers, error } = reply.answer;
      if (!reply.isOk) {
        const isFirst = this.#rejections++ + this.#strikes === 0;
        if (isFirst && typeof this.credential === "function") return 1;
        return this.#stop("authError", `Authenticator: ${error?.message ?? reply.status}`);
      }
      this.#token = token;
      this.#renewAt = Date.now() + 900 * (Number(expiresIn) || 3_600);
      this.#rejections = 0;
      this.iceServers = Array.isArray(iceServers) ? iceServers : [];
      this.#welcome("SDK authentication successful.");
      this.onSuccess();
      return 0;
    }

    /** Return what proves to the server who we are: the app's secret, or a token of the app's. */
    #prove() {
      const { credential, userId } = this;
      if (typeof credential !== "function") return { appSecret: credential };
      return new Promise((resolve, reject) => {
        setTimeout(reject, GENERATOR_PATIENCE, "the token generator does not answer");
        credential(this.#rejections + this.#strikes > 0, (error, code) =>
          error ? reject(error) : resolve({ userId, code }),
        );
      });
    }

    #welcome(message) {
      this.isOnline = true;
      this.#attempt = 0;
      this.tell("success", message);
    }

    #stop(status, message) {
      this.#isStopped = true;
      this.isOnline = false;
      this.tell(status, message);
      return 1;
    }

    #pauseFor({ retryAfter }) {
      if (this.#attempt === 0) this.tell("httpError", "The server does not answer; trying again.");
      this.isOnline = false;
      const pause = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** this.#attempt++);
      return retryAfter || pause * (0.5 + Math.random() / 2);
    }

    /** Send one batch; returns a pause (ms) if it has to be sent again. */
    async #deliver() {
      const queue = this.#next;
      if (!queue) return 0;
      const lines = queue.take();
      const text = queue.body(lines);
      const isPacked = typeof CompressionStream === "function"; // Safari has it from 16.4 on
      const headers = isPacked ? { ...NDJSON, "Content-Encoding": "gzip" } : NDJSON;
      const reply = await this.#post("/v1/batch", isPacked ? await gzip(text) : text, headers);
      if (reply.isLater) return this.#pauseFor(reply);
      if (reply.status === 401) {
        this.#token = null;
        if (this.#strikes++ === 0) return 1;
        return this.#stop("authError", "Authenticator: the server refuses its own token");
      }
      if (!this.isOnline) this.#welcome("The server answers again.");
      this.#strikes = 0;
      if (reply.status === 413 && queue.halve()) return 1;
      this.onAnswer(queue, lines, reply.isOk ? reply.answer : { reason: `status ${reply.status}` });
      return 0;
    }

    async #post(path, body, headers) {
      const abort = new AbortController();
      const timer = setTimeout(() => abort.abort(), TIMEOUT);
      try {
        const request = { ...this.#request(body, headers), signal: abort.signal };
        const response = await fetch(this.server + path, request);
        const { status } = response;
        const retryAfter = Math.min(300, Number(response.headers.get("Retry-After")) || 0) * 1_000;
        const answer = (await response.json().catch(() => null)) ?? {};
        const isOk = status === 200 && (Boolean(answer.token) || Number.isFinite(answer.stored));
        // A 2xx that is not our server's comes from something in between, such as a hotel's portal.
        const isLater = !isOk && (status < 300 || status >= 500 || [408, 429].includes(status));
        return { status, isOk, isLater, retryAfter, answer };
      } catch {
        return { isLater: true };
      } finally {
        clearTimeout(timer);
      }
    }

    #request(body, headers) {
      const Authorization = this.#token ? { Authorization: `Bearer ${this.#token}` } : {};
      headers = { ...headers, ...Authorization };
      return { method: "POST", body, headers, credentials: "omit", redirect: "error" };
    }

    /** Send what a closing page can still send; the vault has it all. */
    bidFarewell(queues) {
      for (const queue of queues) {
        const lines = queue.takeLast();
        if (!this.#token || lines.length === 0) continue;
        const request = { ...this.#request(queue.body(lines), NDJSON), keepalive: true };
        fetch(`${this.server}/v1/batch`, request).catch(() => {});
      }
    }
  }

  /** Speaks for one user on one device: who joined and left, what happened, what goes on. */
  class Session {
    fabrics = new Set();
    byPc = new WeakMap();
    calls = {};
    wifi = null;
    #device = null;
    #early = []; // what was said before the device had its name
    #losses = new Map(); // by conference: how many records were dropped, by reason
    #heard = new Map(); // by conference: when something was last said in it, 0 after leaving
    #clock = null;
    #wifiAt = 0;

    constructor(options) {
      Object.assign(this, options); // server, appId, user, userName, config, onStatus, onStats
      const { server, appId, user, credential, config } = options;
      // Clients sort by the time their lives began.
      const client = Date.now().toString(36) + hex(12);
      this.interval = Math.max(TICK, Number(config.submissionInterval) || INTERVAL);
      this.vault = new Vault(`${appId}@${server}`);
      this.own = new Queue(client);
      // What a closing page says has its own numbers, so that it need not wait for the rest.
      this.last = new Queue(`${client}-end`);
      this.courier = new Courier({
        server,
        appId,
        userId: user,
        credential,
        tell: (status, message) => call(this.onStatus, status, message),
        onAnswer: safely((...answer) => this.#settle(...answer)),
        onSuccess: safely(() => this.#takeOver()),
      });
      this.courier.queues.push(this.last, this.own);
      this.courier.wake(0);
      this.#begin(client);
    }

    #begin = safely(async (client) => {
      addEventListener("pagehide", this.#onPageHide);
      addEventListener("pageshow", this.#onPageShow);
      addEventListener("online", this.courier.hurry);
      // Phones may end a hidden page without a word.
      document.addEventListener("visibilitychange", () => document.hidden && this.#spill(0));
      navigator.mediaDevices?.addEventListener("devicechange", this.tellDevices);
      if (navigator.locks) hold(client);
      this.vault.open();
      this.#setDevice(await nameDevice().catch(() => hex(8)));
    });

    #setDevice(device) {
      this.#device ??= device;
      for (const [head, tail] of this.#early.splice(0)) this.#write(head, tail);
    }

    /** Say one thing; `members` are read now and may change afterwards. */
    say(type, conference, members = {}, at = Date.now()) {
      const tail = JSON.stringify(members);
      if (this.#heard.get(conference)) this.#heard.set(conference, Date.now());
      const head = { type, at, conference };
      if (this.#device) this.#write(head, tail);
      else this.#early.push([head, tail]);
      this.#clock ??= setInterval(this.#tick, TICK);
    }

    event(name, conference, data) {
      this.say("event", conference, { name, data });
    }

    #write(head, tail, queue = this.own) {
      const who = { user: this.user, device: this.#device };
      if (!queue.add({ ...head, ...who }, tail)) this.lose("too large", head.conference);
      while (queue.isFull) {
        const { conference, isKept, seq } = queue.spare();
        this.lose("queue full", conference);
        if (isKept) this.vault.forget(queue.client, seq, seq);
      }
      this.courier.wake();
    }

    /** Say that the user joined, unless that was said; after leaving only if `isBack`. */
    enter(conference, isBack = false) {
      const heard = this.#heard.get(conference);
      if (!conference || heard || (heard === 0 && !isBack)) return;
      this.#heard.set(conference, Date.now());
      const { applicationVersion, siteID, additionalIDs } = this.config;
      const facts = { userName: this.userName, applicationVersion, siteID, ...additionalIDs };
      const known = Object.entries(facts).filter(([, fact]) => fact);
      const platform = Object.fromEntries(known.map(([name, fact]) => [name, String(fact)]));
      this.say("joined", conference, { agent: navigator.userAgent, platform });
    }

    /** Say that the user left, if nothing of the conference is watched any more. */
    leave(conference) {
      const isWatched = [...this.fabrics].some((fabric) => fabric.conference === conference);
      if (isWatched || !this.#heard.get(conference)) return;
      this.say("left", conference);
      this.#heard.set(conference, 0);
    }

    tellDevices = safely(async () => {
      const devices = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
      for (const conference of new Set([...this.fabrics].map((fabric) => fabric.conference))) {
        if (conference) this.event("connectedDeviceList", conference, describeDevices(devices));
      }
    });

    /** Count what could not be kept; the server hears of it when it answers again. */
    lose(reason, conference, count = 1) {
      const counts = this.#losses.get(conference) ?? {};
      this.#losses.set(conference, { ...counts, [reason]: (counts[reason] ?? 0) + count });
    }

    #settle(queue, lines, { stored, refused = [], calls, reason }) {
      Object.assign(this.calls, calls);
      // The header is line 1 of a batch, its first record line 2.
      const reasons = Object.fromEntries(refused.map(({ line, reason }) => [line - 2, reason]));
      lines.forEach(({ seq, conference }, index) => {
        const why = reason ?? reasons[index] ?? (seq > stored && "not stored");
        if (why) this.lose(why, conference);
      });
      if (lines.some((line) => line.isKept)) this.vault.forget(queue.client, 0, lines.at(-1).seq);
      queue.settle();
      if (queue.lines.length === 0) queue.onEmpty?.();
      if (reason) return;
      const losses = [...this.#losses];
      this.#losses.clear();
      for (const [conference, counts] of losses) this.say("dropped", conference, { counts });
    }

    /** Put on disk what has not been answered for `age` ms. */
    #spill(age) {
      const due = Date.now() - age;
      for (const { client, lines } of [this.own, this.last]) {
        const fresh = lines.filter((line) => !line.isKept && line.at <= due);
        for (const line of fresh) line.isKept = true;
        if (fresh.length > 0) this.vault.keep(client, fresh);
      }
    }

    /** Send what earlier lives left behind: whoever gets a dead life's lock has its queue alone. */
    async #takeOver() {
      if (!navigator.locks) return;
      const clients = await this.vault.clients();
      const others = clients.filter((client) => !client.startsWith(this.own.client));
      others.forEach((client, index) => {
        const age = Date.now() - parseInt(client.slice(0, 8), 36);
        const isOver = index >= MAX_LIVES || age > MAX_AGE;
        const work = safely(() => this.#inherit(client, isOver));
        navigator.locks.request(`callstats.${client.slice(0, 32)}`, work).catch(complain);
      });
    }

    async #inherit(client, isOver) {
      const queue = new Queue(client, await this.vault.read(client));
      const { queues } = this.courier;
      if (isOver) this.lose("too old", undefined, queue.lines.length);
      else if (queue.lines.length > 0) {
        queues.push(queue);
        this.courier.wake(0);
        await new Promise((resolve) => (queue.onEmpty = resolve));
        queues.splice(queues.indexOf(queue), 1);
      }
      await this.vault.forget(client);
    }

    #onPageHide = safely(() => {
      this.#setDevice(hex(8));
      for (const [conference, heard] of this.#heard) {
        if (!heard || this.config.disableBeforeUnloadHandler) continue;
        this.#write({ type: "left", at: Date.now(), conference }, "{}", this.last);
      }
      this.#spill(0);
      this.courier.bidFarewell([this.last, this.own]);
    });

    #onPageShow = safely(({ persisted }) => {
      for (const [conference, heard] of persisted ? this.#heard : []) {
        if (heard) this.#heard.set(conference, 0);
        if (heard) this.enter(conference, true);
      }
    });

    /** Look after fabrics and after what waits, for as long as there is any. */
    #tick = safely(() => {
      const now = Date.now();
      if (wifiHandler && now - this.#wifiAt >= WIFI) this.#askWifi(now);
      for (const fabric of this.fabrics) fabric.tick();
      for (const { conference } of this.fabrics) {
        if (now - this.#heard.get(conference) >= ALIVE) this.say("alive", conference);
      }
      this.#spill(SPILL);
      if (this.fabrics.size + this.own.lines.length + this.last.lines.length > 0) return;
      clearInterval(this.#clock);
      this.#clock = null;
    });

    #askWifi = safely(async (now) => {
      this.#wifiAt = now;
      const said = JSON.parse(await wifiHandler());
      this.wifi = { ...said, type: "wifiStats", id: "wifiStats", timestamp: now };
    });

    /** Load a part of the library that few pages need. */
    load = safely((name) => import(`${this.server}/callstats-${name}.mjs`));

    /** End what is watched; what waits is still sent. */
    end(reason) {
      for (const fabric of this.fabrics) fabric.end(reason);
      navigator.mediaDevices?.removeEventListener("devicechange", this.tellDevices);
    }
  }

  /** One peer connection being watched. */
  class Fabric {
    id = hex(8);
    isEnded = false;
    isHeld = false;
    wasEstablished = false;
    states = {}; // by event name
    #held = []; // what was said before the conference had its name
    #dueAt = Date.now() + TICK;
    #askedAt = 0;
    #abort = new AbortController();
    #tags = new Map(); // elements that are not in the page yet, with their SSRCs
    #users = {}; // by SSRC: what associateMstWithUserID said of it
    #map = "";
    #flow = new Flow();
    #meter = null;

    constructor(options) {
      Object.assign(this, options); // session, pc, remote, conference, attributes, callback
    }

    begin() {
      const { pc, session, attributes } = this;
      for (const name of Object.keys(STATES)) this.#listen(pc, name, () => this.#tellStates());
      this.#listen(pc, "track", ({ track }) => this.#meet(track));
      const interval = session.interval / 1_000;
      this.event("watchstart", { engine: "callstats.js", interval, ...attributes });
      this.#tellStates();
      for (const { currentDirection, receiver } of pc.getTransceivers?.() ?? []) {
        if (/recv/.test(currentDirection)) this.#meet(receiver.track);
      }
    }

    #listen(target, name, work, once = false) {
      target.addEventListener?.(name, safely(work), { once, signal: this.#abort.signal });
    }

    /** Say something about this connection; before the conference is known it is held back. */
    say(type, members, at = Date.now()) {
      const said = { ...members, connection: this.id, remote: this.remote };
      if (this.conference) this.session.say(type, this.conference, said, at);
      else if (this.#held.push([type, said, at]) > BATCH_RECORDS) this.#loseHeld(1);
    }

    #loseHeld(count) {
      const { length } = this.#held.splice(0, count);
      if (length > 0) this.session.lose("no conference", undefined, length);
    }

    event(name, data, at = undefined) {
      this.say("event", { name, data }, at);
    }

    /** Learn the conference and the remote user that were not known at first. */
    identify(conference, remote = this.remote) {
      this.remote = remote;
      if (!conference || this.conference) return;
      this.conference = conference;
      this.session.enter(conference, true);
      for (const held of this.#held.splice(0)) this.say(...held);
      this.session.tellDevices();
    }

    #tellStates() {
      for (const [name, property] of Object.entries(STATES)) {
        const state = this.pc[property];
        if (state === undefined || state === this.states[name]) continue;
        this.states[name] = state;
        this.event(name, { state });
        if (name === "iceconnectionstatechange") this.#onIce(state);
      }
      if (this.pc.signalingState === "closed") this.end("closed");
    }

    #onIce(state) {
      if (state === "connected" || state === "completed") this.wasEstablished = true;
      if (state !== "disconnected") return;
      const message = `Connectivity check for PC object to ${this.remote} failed.`;
      call(this.callback, "appConnectivityError", message);
    }

    #meet(track) {
      const { kind, id } = track;
      this.event("track", { kind, id });
      const tell = () => this.#tellPlayback("mediaPlaybackStart", kind);
      if (track.muted) this.#listen(track, "unmute", tell, true);
    }

    #tellPlayback(name, kind, ssrc = 0, associatedVideoTag = undefined) {
      const highResTs = performance.timeOrigin + performance.now();
      const data = { ssrc: String(ssrc), mediaType: kind, kind, highResTs, associatedVideoTag };
      this.event(name, data);
    }

    /** Remember whose stream this is, and follow the element that plays it. */
    associate(ssrc, { userID, usageLabel, associatedVideoTag }) {
      this.#users[ssrc] = { userID, usageLabel, associatedVideoTag };
      if (associatedVideoTag) this.#tags.set(associatedVideoTag, ssrc);
      this.#followTags();
    }

    #followTags() {
      for (const [tag, ssrc] of this.#tags) {
        const element = document.getElementById(tag);
        if (!element) continue;
        this.#tags.delete(tag);
        const kind = element.tagName === "AUDIO" ? "audio" : "video";
        const isPlaying = !element.paused && element.readyState > 2;
        for (const [type, name] of Object.entries(PLAYBACK)) {
          const tell = () => this.#tellPlayback(name, kind, ssrc, tag);
          if (isPlaying && type === "playing") tell();
          else this.#listen(element, type, tell, true);
        }
      }
    }

    /** Follow what the page says: on hold there are no reports, and muted media may stand still. */
    hear(name) {
      if (name === "fabricHold" || name === "fabricResume") this.isHeld = name === "fabricHold";
      const [, kind, what] = /^(audio|video)(Mute|Unmute|Pause|Resume)$/.exec(name) ?? [];
      if (kind) this.#flow.muted[kind] = what === "Mute" || what === "Pause";
    }

    tick() {
      this.#tellStates();
      if (this.isEnded) return;
      this.#followTags();
      const now = Date.now();
      if (this.isHeld || now < Math.max(this.#dueAt, this.#askedAt + PATIENCE)) return;
      if (this.#askedAt) this.session.lose("getStats took too long", this.conference);
      this.#dueAt = Math.max(this.#dueAt + this.session.interval, now);
      this.#sample(now);
    }

    #sample = safely(async (at) => {
      this.#askedAt = at;
      try {
        const stats = [...(await this.pc.getStats()).values()];
        if (stats.length > 0) this.#report(stats, at);
      } catch {
        if (!this.isEnded) this.session.lose("getStats failed", this.conference);
      } finally {
        this.#askedAt = 0;
      }
    });

    #report(stats, at) {
      const { wifi, config } = this.session;
      const said = config.collectIP === false ? stats.map(withoutAddress) : stats;
      this.say("report", { stats: wifi ? [...said, wifi] : said }, at);
      const streams = streamsOf(stats);
      this.#tellMap(streams, at);
      if (this.isEnded) return;
      for (const [type, payload] of this.wasEstablished ? this.#flow.judge(streams, at) : []) {
        this.event(type, payload);
        call(callbacks.mediaDisruption, { type, payload });
      }
      if (this.session.onStats || callbacks.stats) this.#tellStats(stats, streams);
    }

    /** Say which streams there are, whenever that changes. */
    #tellMap(streams, at) {
      const ssrcData = streams.map(({ stat, ssrc, kind, direction }) => ({
        ssrc: String(ssrc),
        streamType: direction,
        reportType: "local",
        mediaType: kind,
        label: stat.trackIdentifier,
        userID: direction === "outbound" ? this.session.user : this.remote,
        ...this.#users[ssrc],
      }));
      const map = JSON.stringify(ssrcData);
      if (map === this.#map || streams.length === 0) return;
      this.#map = map;
      this.event("ssrcMap", { ssrcData }, at);
    }

    #tellStats = safely(async (stats, streams) => {
      this.#meter ??= this.session.load("figures").then(({ Meter }) => new Meter(this));
      const told = (await this.#meter).read(stats, streams, this.#users);
      call(this.session.onStats, told);
      call(callbacks.stats, told);
    });

    /** Stop watching, with a last report if the connection still gives one. */
    end(reason) {
      if (this.isEnded) return;
      if (reason !== "closed" && !this.isHeld) this.#sample(Date.now());
      this.isEnded = true;
      this.#abort.abort();
      this.event("fabricTerminated");
      this.event("watchend", { reason });
      this.#loseHeld(this.#held.length);
      this.session.fabrics.delete(this);
      this.session.leave(this.conference);
    }
  }

  const withoutAddress = ({ address, ip, relatedAddress, port, url, ...rest }) => rest;

  /** Return the RTP streams of a report. */
  const streamsOf = (stats) =>
    stats
      .filter(({ type, ssrc, isRemote }) => /^(in|out)bound-rtp$/.test(type) && ssrc && !isRemote)
      .map((stat) => ({
        stat,
        ssrc: stat.ssrc,
        kind: stat.kind ?? stat.mediaType, // the second in old Firefox and Safari
        direction: stat.type.replace("-rtp", ""),
        packets: stat.packetsReceived ?? stat.packetsSent,
      }));

  /** Notices when packets of one kind flow one way only, although both ways have a stream. */
  class Flow {
    muted = {};
    #seen = {}; // by kind and direction: packets so far, and since when (ms)
    #open = {}; // by kind: what is disrupted
    #toldAt = 0;

    judge(streams, at) {
      return ["audio", "video"].flatMap((kind) => {
        const open = this.#open[kind];
        const still = this.#findStill(streams, kind, at);
        if (Boolean(open) === Boolean(still)) return [];
        if (open) {
          delete this.#open[kind];
          return [["oneWayMediaStop", open]];
        }
        if (at - this.#toldAt < DISRUPTION_GAP) return [];
        this.#toldAt = at;
        this.#open[kind] = still;
        return [["oneWayMediaStart", still]];
      });
    }

    /** Return the direction that stands still while the other one flows, if that is so. */
    #findStill(streams, kind, at) {
      const inbound = this.#look(streams, kind, "inbound", at);
      const outbound = this.#look(streams, kind, "outbound", at);
      if (!inbound || !outbound || this.muted[kind]) return null;
      const still = inbound.for > outbound.for ? inbound : outbound;
      if (still.for < DISRUPTED || inbound.for * outbound.for > 0) return null;
      return { mediaType: kind, disruptionType: still.direction, ssrc: String(still.ssrc) };
    }

    #look(streams, kind, direction, at) {
      const ours = streams.filter(
        (one) => one.kind === kind && one.direction === direction && one.stat.active !== false,
      );
      const packets = ours.reduce((sum, one) => sum + (one.packets ?? 0), 0);
      const key = kind + direction;
      const seen = this.#seen[key];
      if (packets !== seen?.packets || ours.length === 0) this.#seen[key] = { packets, at };
      return ours[0] && { direction, ssrc: ours[0].ssrc, for: at - this.#seen[key].at };
    }
  }

  // What the page calls: one session, however many `callstats` objects, as the old library had it.

  let session = null;
  let wifiHandler = null;
  let proxy = "";
  let precallTests = null;
  const callbacks = {};

  /** Why a call returns a failure: thrown by a method, never into the page. */
  class Refused extends Error {
    constructor(reason, found = "") {
      super(`${ERRORS[reason]} ${found}`);
      this.reason = reason;
    }
  }

  const need = (isGood, reason = "argumentError", found = "") => {
    if (!isGood) throw new Refused(reason, found);
  };

  const nameOf = (user) => (typeof user === "object" ? (user?.aliasName ?? user?.userName) : user);

  const fabricOf = (pc) => session.byPc.get(pc);

  /** Say an event on a connection, or of the participant where there is none. */
  const tell = (pc, conferenceID, name, data) => {
    const fabric = fabricOf(pc);
    if (fabric) return fabric.event(name, data);
    need(isName(conferenceID));
    session.enter(conferenceID);
    return session.event(name, conferenceID, data);
  };

  const cut = (text) => (text ? String(text.sdp ?? text).slice(0, 20_000) : undefined);

  const textOf = (error) => {
    const isObject = error && typeof error === "object";
    return String((isObject ? (error.message ?? JSON.stringify(error)) : error) ?? "");
  };

  const describeError = (error, localSDP, remoteSDP) => {
    const { name, stack, constraintName = error?.constraint } = Object(error);
    const [local, remote] = [cut(localSDP), cut(remoteSDP)];
    return { type: name, stack: cut(stack), constraintName, localSDP: local, remoteSDP: remote };
  };

  const runPrecall = (iceServers, work) => {
    const servers = iceServers ?? session.courier.iceServers;
    need(Array.isArray(servers) && servers.length > 0, "apiaccesserror");
    const say = (name, ...told) => {
      const [results] = told;
      if (name === "preCallTest") session.event("preCallTestResults", undefined, { results });
      call(callbacks[name], ...told);
    };
    const begin = safely(async () => work(await session.load("precall"), servers, say));
    begin();
  };

  // Before initialize, these work, and all others fail.
  const settings = {
    initialize(appID, credential, localUserID, csInitCallback, csStatsCallback, configParams) {
      const user = nameOf(localUserID);
      const appId = Number(appID);
      need(Number.isSafeInteger(appId) && appId > 0 && isName(user) && user.length <= 128);
      need(typeof credential === "function" || isName(credential));
      const config = { ...configParams };
      const server = String(config.serverURL ?? (proxy || callstats.serverURL)).replace(/\/+$/, "");
      need(/^https?:/.test(server));
      const callbacks = { onStatus: csInitCallback, onStats: csStatsCallback };
      if (session?.vault.owner === `${appId}@${server}` && session.user === user) {
        Object.assign(session, callbacks).courier.renew(credential);
        return;
      }
      session?.end("initialized anew");
      const { userName } = localUserID;
      session = new Session({ server, appId, credential, user, userName, config, ...callbacks });
    },

    attachWifiStatsHandler(handler) {
      need(typeof handler === "function");
      wifiHandler = handler;
    },

    resetWifiStatsHandler() {
      wifiHandler = null;
    },

    on(name, callback) {
      need(name in callbackFunctions && typeof callback === "function", "argumentError", name);
      callbacks[name] = callback;
    },

    setProxyConfig({ serverURL, collectorURL, authServiceURL }) {
      need(global.csioproxy, "setProxyConfigInvokeError");
      proxy = serverURL ?? collectorURL ?? authServiceURL;
    },
  };

  const reports = {
    addNewFabric(pc, remoteUserID, fabricUsage, conferenceID, fabricAttributes, pcCallback) {
      need(typeof pc?.getStats === "function", "pcInvalid");
      const remote = nameOf(remoteUserID) || undefined;
      need((!remote || isName(remote)) && (!conferenceID || isName(conferenceID)));
      need(fabricUsage in vocabulary.fabricUsage, "fabricUsageInvalid", fabricUsage);
      const isCallback = typeof fabricAttributes === "function";
      const { remoteEndpointType = "peer", fabricTransmissionDirection = "sendrecv" } =
        (!isCallback && fabricAttributes) || {};
      const { endpointType, transmissionDirection } = vocabulary;
      need(remoteEndpointType in endpointType, "invalidEndPointType");
      need(fabricTransmissionDirection in transmissionDirection, "invalidTransmissionDirection");
      if (fabricOf(pc)?.isEnded === false) return;
      const fabric = new Fabric({
        session,
        pc,
        remote,
        conference: conferenceID || undefined,
        attributes: { remoteEndpointType, fabricTransmissionDirection, fabricUsage },
        callback: isCallback ? fabricAttributes : pcCallback,
      });
      session.byPc.set(pc, fabric);
      session.fabrics.add(fabric);
      session.hasFabric = true;
      session.enter(fabric.conference, true);
      fabric.begin();
      session.tellDevices();
    },

    setIdentifiers({ conferenceID, remoteUserID }, pc) {
      need(fabricOf(pc), "pcInvalid");
      need(!conferenceID || isName(conferenceID));
      fabricOf(pc).identify(conferenceID, nameOf(remoteUserID));
    },

    sendFabricEvent(pc, fabricEvent, conferenceID, eventData) {
      need(session.hasFabric, "notInitialized");
      need(fabricEvent in vocabulary.fabricEvent, "fabricEventInvalid", fabricEvent);
      const isDevices = fabricEvent === "activeDeviceList";
      need(!isDevices || Array.isArray(eventData?.deviceList));
      const fabric = fabricOf(pc);
      fabric?.hear(fabricEvent);
      if (fabric && fabricEvent === "fabricTerminated") fabric.end("stopped");
      // The old library took fabricUsageEvent and never sent it.
      else if (fabricEvent !== "fabricUsageEvent") {
        const data = isDevices ? describeDevices(eventData.deviceList) : eventData;
        tell(pc, conferenceID, fabricEvent, data);
      }
    },

    associateMstWithUserID(pc, userID, conferenceID, ssrc, usageLabel, associatedVideoTag) {
      need(session.hasFabric, "notInitialized");
      need(fabricOf(pc), "pcInvalid");
      need(Number(ssrc) > 0);
      fabricOf(pc).associate(ssrc, { userID: nameOf(userID), usageLabel, associatedVideoTag });
    },

    reportError(pc, conferenceID, wrtcFuncName, domError, localSDP, remoteSDP) {
      need(wrtcFuncName in webRTCFunctions, "webRTCFunctionsInvalid", wrtcFuncName);
      const fabric = fabricOf(pc);
      const conference = fabric?.conference ?? (isName(conferenceID) ? conferenceID : undefined);
      const message = textOf(domError);
      session.enter(conference);
      if (wrtcFuncName !== "applicationLog") {
        const data = describeError(domError, localSDP, remoteSDP);
        const error = { name: wrtcFuncName, message: message.slice(0, MAX_TEXT), data };
        if (fabric) fabric.say("error", error);
        else session.say("error", conference, error);
        return;
      }
      const level = domError instanceof Error ? "error" : "info";
      for (let start = 0; start === 0 || start < message.length; start += MAX_TEXT) {
        session.say("log", conference, { level, message: message.slice(start, start + MAX_TEXT) });
      }
    },

    sendUserFeedback(conferenceID, feedback, callback) {
      const { userID, overall, audio, video, comment } = feedback;
      need(isName(conferenceID) && userID && Number.isFinite(Number(overall)));
      // Jitsi Meet says -1 where only a comment was given.
      const rating = (value) => [1, 2, 3, 4, 5].find((whole) => whole === Math.round(value));
      session.say("feedback", conferenceID, {
        overall: rating(overall),
        audio: rating(audio),
        video: rating(video),
        comment: comment ? String(comment).slice(0, MAX_TEXT) : undefined,
      });
      call(callback, "success", "userFeedback Event sent successfully");
    },

    sendCustomEvent(pc, conferenceID, eventList) {
      const isSummary = (one) => one?.type === "conferenceSummary";
      for (const summary of eventList.filter(isSummary)) {
        tell(pc, conferenceID, "conferenceSummary", summary);
      }
      const others = eventList.filter((one) => !isSummary(one));
      if (others.length > 0) tell(pc, conferenceID, "customEvent", { eventList: others });
    },

    sendCustomStats(pc, conferenceID, stats) {
      need(stats && typeof stats === "object");
      tell(pc, conferenceID, "customStats", { stats });
    },

    sendCallDetails(pc, conferenceID, details) {
      need(details?.callType);
      const { acceptedTimestamp: acceptedAt, connectedTimestamp: connectedAt, ...rest } = details;
      tell(pc, conferenceID, "callDetails", { ...rest, acceptedAt, connectedAt });
    },

    makePrecallTest(iceServers, provider = "callstats") {
      runPrecall(iceServers, (precall, servers, say) => precall.run(servers, provider, say));
    },

    startPrecallTests(iceServers, interval = 60) {
      runPrecall(iceServers, (precall, servers, say) => {
        precallTests?.stop();
        precallTests = precall.repeat(servers, Number(interval), say);
      });
    },

    stopPrecallTests() {
      precallTests?.stop();
    },
  };

  function callstats() {
    return new.target ? this : new callstats();
  }

  Object.assign(callstats.prototype, vocabulary);

  for (const [name, method] of Object.entries({ ...settings, ...reports })) {
    callstats.prototype[name] = (...args) => {
      try {
        need(session || name in settings, "notInitialized");
        method(...args);
        return { status: "success", message: "" };
      } catch (error) {
        if (!(error instanceof Refused)) complain(error);
        const { reason, message } = error instanceof Refused ? error : new Refused("argumentError");
        const colon = reason === "notInitialized" ? " : " : ": "; // as the old library had it
        return { status: "failure", message: name + colon + message };
      }
    };
  }

  /** Resolve to the TURN servers that the server gave with the token. */
  callstats.prototype.getTurnCredentials = async () => {
    const servers = session?.courier.iceServers ?? [];
    if (servers.length === 0) throw new Error(ERRORS.apiaccesserror);
    return servers;
  };

  /** Return results of earlier tests: none stay in the page, the server has them. */
  callstats.prototype.getSctResults = () => null;

  /** Take the server's address from that of a script of ours: `https://host/static/name.js`. */
  callstats.locate = (url) => {
    callstats.serverURL ||= url.replace(/[?#].*$/, "").replace(/(\/static)?\/[^/]*$/, "");
  };
  callstats.locate(global.document?.currentScript?.src ?? "");

  global.callstats = callstats;
  if (typeof define === "function" && define.amd) define("callstats", [], () => callstats);
})(globalThis);
