"""``/v1/apps/…``: where clients of the old service tell what happens.

A plain ASGI application, because every report of every participant comes through here:
path → token → body → record → ``Intake.store`` → answer, after the commit.
"""

import asyncio
from collections.abc import Mapping
from functools import partial
from urllib.parse import unquote_plus

import msgspec
from starlette.types import Receive, Scope, Send

from callstats import wire
from callstats.access import call_ids
from callstats.clock import Clock
from callstats.collector import body, cors
from callstats.collector.counts import Counts
from callstats.collector.errors import Disconnected, RestRefusal
from callstats.collector.gate import Gate
from callstats.collector.intake import Intake
from callstats.collector.prepare import Delivery, Draft
from callstats.collector.presence import Presence
from callstats.collector.rest import replies, target
from callstats.collector.rest.replies import INVALID_TOKEN, Reply
from callstats.collector.rest.senders import Sender, Senders
from callstats.collector.rest.target import Target
from callstats.store import Store
from callstats.wire import callstats_rest, callstats_rest_stats
from callstats.wire.batch import Header
from callstats.wire.callstats_rest import Said

Fields = Mapping[bytes, bytes]
"""Of a request's head; where one stands there twice, the last counts."""

CONFIGURATIONS: dict[str, object] = {"default": {}, "recommended": {}}
"""What to set a peer connection to: nothing, the application knows best."""
PROMPT = frozenset({"", "events/user/alive", "stats", "stats/system", "stats/bridge/status"})
"""What is told at once, so that its arrival tells about the client's clock."""
ENCODED = frozenset({"stats/bridge/alive", "stats/bridge/status"})
"""Where Java encodes names as if they stood in a form."""


class RestDoor:
    """The endpoint, with what it needs to answer."""

    def __init__(
        self,
        store: Store,
        gate: Gate,
        intake: Intake,
        presence: Presence,
        *,
        key: bytes,
        clock: Clock,
        counts: Counts,
        limit: int,
    ) -> None:
        self._store = store
        self._gate = gate
        self._intake = intake
        self._presence = presence
        self._key = key
        self._clock = clock
        self._counts = counts
        self._limit = limit
        self._senders = Senders()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request; a client that went away gets no answer."""
        if scope["method"] == "OPTIONS":
            await cors.preflight(scope, receive, send)
            return
        try:
            reply = await self._answer(scope, receive)
        except Disconnected:
            return
        except Exception as error:
            reply = replies.refusal(error)
        await reply(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Reply:
        where = target.read(scope["raw_path"])
        headers = dict(scope["headers"])
        app_id = self._admitted(headers, where)
        if where.conference is None and where.tail.startswith("configurations"):
            replies.require_method(scope, "GET", "POST")
            return await self._configure(scope["method"], where, headers, receive)
        replies.require_method(scope, "POST")
        sent = await self._read(headers, receive)
        if where.conference is None:
            return await self._outside(app_id, where, sent)
        if where.call is None:
            return await self._join(app_id, where, sent)
        return await self._inside(app_id, where, sent)

    # The steps

    def _admitted(self, headers: Fields, where: Target) -> int:
        """Return the app that the token is for, which must be the one of the path."""
        authorization = headers.get(b"authorization")
        if authorization is None and (token := headers.get(b"token")) is not None:
            authorization = b"Bearer " + token  # where the draft has it
        if authorization is None:
            raise RestRefusal(401, "no token: allowed Authorization: Bearer and a token")
        grant = self._gate.bearer(authorization.decode("latin-1"))
        grant.require("send")
        if grant.app_id is None or where.app != str(grant.app_id):
            raise RestRefusal(401, INVALID_TOKEN)
        return grant.app_id

    async def _read(self, headers: Fields, receive: Receive) -> bytes:
        encoding = headers.get(b"content-encoding", b"identity").decode("latin-1").strip().lower()
        if encoding not in body.ENCODINGS:
            allowed = ", ".join(body.ENCODINGS)
            raise RestRefusal(400, f"Content-Encoding: found {encoding[:80]}, allowed {allowed}")
        return body.inflate(await body.read(receive, self._limit), encoding, self._limit)

    async def _configure(
        self, method: str, where: Target, headers: Fields, receive: Receive
    ) -> Reply:
        """Answer with the configuration; what a client says of its own is looked at and let go."""
        if where.tail not in ("configurations", "configurations/internal"):
            raise RestRefusal(404, "no such path")
        if method == "POST":
            callstats_rest.members(await self._read(headers, receive))
        is_internal = where.tail == "configurations/internal"
        return Reply(200, {} if is_internal else CONFIGURATIONS)

    async def _outside(self, app_id: int, where: Target, sent: bytes) -> Reply:
        if not where.tail.startswith(("events/", "stats/")):
            raise RestRefusal(404, "no such path")
        said = callstats_rest.decode(sent)
        if where.tail in ENCODED:
            said = _decoded(said)
        await self._happen(app_id, where, said)
        return replies.DONE

    async def _join(self, app_id: int, where: Target, sent: bytes) -> Reply:
        said = callstats_rest.decode(sent)
        draft = await self._happen(app_id, where, said)
        return replies.joined(draft.calls[where.conference or ""])

    async def _inside(self, app_id: int, where: Target, sent: bytes) -> Reply:
        await self._find_call(app_id, where)
        said = callstats_rest.decode(sent, where.tail)
        await self._happen(app_id, where, self._recognised(app_id, where, said))
        return replies.DONE

    # The call

    async def _find_call(self, app_id: int, where: Target) -> None:
        """See that presence knows the call of the path; raises RestRefusal where nobody does."""
        conference, call_id = where.conference or "", where.call or ""
        if self._presence.named(app_id, conference, call_id):
            return
        if call_ids.is_genuine(self._key, app_id, call_id):
            rows = await asyncio.to_thread(self._store.rows, "call", app_id=app_id, call=call_id)
            if rows and rows[0]["conference"] == conference:
                self._presence.recall(
                    app_id=app_id,
                    call_id=call_id,
                    conference=conference,
                    started_at=rows[0]["started_at"].timestamp(),
                    ended_at=rows[0]["ended_at"] and rows[0]["ended_at"].timestamp(),
                )
                return
        raise RestRefusal(
            400, "ucID: found no call of this conference, allowed what joining returned"
        )

    def _recognised(self, app_id: int, where: Target, said: Said) -> Said:
        """Return what was said by whoever joined: Java encodes its names now and then."""
        if not ("%" in said.user or "+" in said.user or "%" in said.device or "+" in said.device):
            return said
        call = self._presence.named(app_id, where.conference or "", where.call or "")
        decoded = _decoded(said)
        if call is None or (said.user, said.device) in call.people:
            return said
        return decoded if (decoded.user, decoded.device) in call.people else said

    # The record

    async def _happen(self, app_id: int, where: Target, said: Said) -> Draft:
        """Make a record of what was said, and store it; raises BadInput."""
        now = self._clock.now()
        sender = self._senders.get(app_id, said.user, said.device)
        said_at = None if said.at_ms is None else said.at_ms / 1000
        skew = sender.skew(said_at, now, is_prompt=where.tail in PROMPT)
        at_ms = (now + skew) * 1000 if said.at_ms is None else said.at_ms
        record = self._record(where, said, sender, at_ms)
        delivery = Delivery(
            app_id,
            Header(client=sender.client, sent_at_ms=max(0.0, (now + skew) * 1000)),
            now,
            call=where.call,
            read_stats=partial(callstats_rest_stats.read, at_ms=at_ms),
            is_signed=sender.is_due(skew),
        )
        beside = self._beside(record, said, sender, at_ms)
        draft = await self._intake.store(delivery, [record, *beside])
        if draft.refused:
            refused = draft.refused[0]
            raise RestRefusal(
                422, f"{refused.reason}: found {refused.found}, allowed {refused.allowed}"
            )
        if delivery.is_signed:
            sender.wrote(skew)
        for each in beside:
            sender.keep(each)
        return draft

    def _record(self, where: Target, said: Said, sender: Sender, at_ms: float) -> wire.AnyRecord:
        conference, seq = where.conference, sender.number()
        if conference is not None and where.call is None:
            return callstats_rest.join(said, conference=conference, seq=seq, at_ms=at_ms)
        if not callstats_rest.is_known(where.tail, is_in_conference=conference is not None):
            self._counts.add("records of unknown paths")
        return callstats_rest.happening(
            where.tail, said, conference=conference, seq=seq, at_ms=at_ms
        )

    def _beside(
        self, record: wire.AnyRecord, said: Said, sender: Sender, at_ms: float
    ) -> list[wire.Event]:
        """Return what came with a report, such as the battery's state, if it is new."""
        if not isinstance(record, wire.Report):
            return []
        data = callstats_rest.remainder(said)
        if not bytes(data) or sender.knows(record.connection, data):
            return []
        beside = wire.Event(
            seq=sender.number(),
            at_ms=at_ms,
            user=said.user,
            device=said.device,
            conference=record.conference,
            name="stats",
            connection=record.connection,
            remote=record.remote,
            data=data,
        )
        return [beside]


def _decoded(said: Said) -> Said:
    """Return the same with names that were encoded as in a form."""
    user, device = unquote_plus(said.user), unquote_plus(said.device)
    return msgspec.structs.replace(said, user=user, device=device)
