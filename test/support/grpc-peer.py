"""A gRPC client or server of grpcio (the C core) as its own process: what grpc-peer.ts is of grpc-js.

argv: "serve" or "call", and options as JSON {"port": 0, "channel": {name: value}}. The first line of
output is {"port": n}; then each line of input is a command and is answered by one line with its id.
What calls do is said in grpc-peers.ts.
"""
import asyncio
import base64
import contextlib
import hashlib
import json
import sys

import grpc

SERVICE = "culvert.test.Calls"
MIB = 1024 * 1024
CHANNEL = {
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    "grpc.max_metadata_size": 64 * 1024,
    "grpc.enable_http_proxy": 0,
    "grpc.so_reuseport": 0,
    "grpc.use_local_subchannel_pool": 1,
    "grpc.default_authority": "web",
}
CODES = {code.value[0]: code for code in grpc.StatusCode}


def fingerprint(message):
    return f"{len(message)}:{hashlib.sha256(message).hexdigest()[:8]}"


def payload(size, i):
    return bytes([97 + i % 26]) * size


def to_metadata(pairs):
    return tuple(
        (name, base64.b64decode(value) if name.endswith("-bin") else value) for name, value in pairs
    )


def from_metadata(metadata):
    return [
        [name, base64.b64encode(value).decode() if name.endswith("-bin") else str(value)]
        for name, value in (metadata or ())
    ]


def say(**line):
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


def plan_of(context):
    for name, value in context.invocation_metadata() or ():
        if name == "x-plan":
            return json.loads(value)
    return {}


class Calls:
    """The service; keeps the names of calls it was asked and of those that ended under it."""

    def __init__(self):
        self.port = 0
        self.started = []
        self.cancelled = []
        self.unary = self.watched(self.answer_unary)
        self.server_stream = self.watched_stream(self.answer_server_stream)
        self.client_stream = self.watched(self.answer_client_stream)
        self.bidi = self.watched_stream(self.answer_bidi)

    def watched(self, answer):
        async def run(request, context):
            with self.watch(context):
                return await answer(request, context)

        return run

    def watched_stream(self, answer):
        async def run(request, context):
            with self.watch(context):
                async for message in answer(request, context):
                    yield message

        return run

    @contextlib.contextmanager
    def watch(self, context):
        call = plan_of(context).get("name")
        if call is not None:
            self.started.append(call)
        try:
            yield
        except (asyncio.CancelledError, GeneratorExit):
            # The latter where a stream's answer was on its way out.
            if call is not None:
                self.cancelled.append(call)
            raise

    async def begin(self, context):
        plan = plan_of(context)
        metadata = context.invocation_metadata() or ()
        if not plan.get("bare"):
            given = [(name, value) for name, value in metadata if name.startswith("e-")]
            await context.send_initial_metadata((*given, ("x-server", str(self.port))))
        trailing = [(name, value) for name, value in metadata if name.startswith("t-")]
        context.set_trailing_metadata(tuple(trailing))
        return plan

    async def end(self, plan, context):
        if plan.get("hang"):
            await asyncio.Event().wait()
        if plan.get("code", 0) != 0:
            await context.abort(CODES[plan["code"]], plan.get("details", ""), context.trailing_metadata())

    async def answer_unary(self, request, context):
        plan = await self.begin(context)
        await self.end(plan, context)
        return request

    async def answer_server_stream(self, _request, context):
        plan = await self.begin(context)
        for i, size in enumerate(plan.get("answers", [])):
            yield payload(size, i)
            await asyncio.sleep(plan.get("everyMs", 0) / 1000)
        await self.end(plan, context)

    async def answer_client_stream(self, requests, context):
        plan = await self.begin(context)
        count = 0
        length = 0
        async for message in requests:
            count += 1
            length += len(message)
            if count == plan.get("stop"):
                break
        await self.end(plan, context)
        return f"{count} {length}".encode()

    async def answer_bidi(self, requests, context):
        plan = await self.begin(context)
        count = 0
        async for message in requests:
            count += 1
            yield message
            if count == plan.get("stop"):
                break
        await self.end(plan, context)

    def handlers(self):
        return grpc.method_handlers_generic_handler(
            SERVICE,
            {
                "Unary": grpc.unary_unary_rpc_method_handler(self.unary),
                "ServerStream": grpc.unary_stream_rpc_method_handler(self.server_stream),
                "ClientStream": grpc.stream_unary_rpc_method_handler(self.client_stream),
                "Bidi": grpc.stream_stream_rpc_method_handler(self.bidi),
            },
        )


class Server:
    def __init__(self, calls, server):
        self.calls = calls
        self.server = server

    async def state(self, _command):
        return {"started": self.calls.started, "cancelled": self.calls.cancelled}

    async def stop(self, command):
        """Calls that have not ended after graceMs are cut."""
        await self.server.stop(command["graceMs"] / 1000)
        return {}


class Client:
    def __init__(self, options):
        self.options = options
        self.channels = {}
        self.open = {}

    def channel(self, address):
        if address not in self.channels:
            self.channels[address] = grpc.aio.insecure_channel(address, options=self.options)
        return self.channels[address]

    async def call(self, command):
        channel = self.channel(command["address"])
        path = f"/{SERVICE}/{command['method']}"
        metadata = to_metadata([*command["metadata"], ["x-plan", json.dumps(command["plan"])]])
        timeout = command["timeoutMs"] / 1000 if command.get("timeoutMs") else None
        messages = [payload(size, i) for i, size in enumerate(command["messages"])]
        given = {"metadata": metadata, "timeout": timeout}
        answers = []
        kind = command["kind"]
        if kind == "unary":
            call = channel.unary_unary(path)(messages[0], **given)
        elif kind == "server":
            call = channel.unary_stream(path)(messages[0], **given)
        elif kind == "client":
            call = channel.stream_unary(path)(**given)
        else:
            call = channel.stream_stream(path)(**given)
        self.open[command["id"]] = call
        initial = []
        try:
            if kind != "client":
                initial = from_metadata(await call.initial_metadata())
            if kind == "unary":
                answers.append(await call)
            elif kind == "server":
                async for message in call:
                    answers.append(message)
                    self.tell_progress(command, answers)
                    if command.get("cancelOn") == "message":
                        call.cancel()
            elif kind == "client":
                await self.write_all(call, messages)
                initial = from_metadata(await call.initial_metadata())
                answers.append(await call)
            else:
                await self.converse(call, messages, answers, command)
        except (grpc.RpcError, asyncio.CancelledError, asyncio.InvalidStateError):
            pass
        code = await call.code()
        del self.open[command["id"]]
        return {
            "code": code.value[0],
            "details": await call.details(),
            "messages": [fingerprint(message) for message in answers],
            "initial": initial,
            "trailing": from_metadata(await call.trailing_metadata()),
        }

    async def cancel(self, command):
        if command["callId"] in self.open:
            self.open[command["callId"]].cancel()
        return {}

    def tell_progress(self, command, answers):
        if command.get("progress"):
            say(id=command["id"], message=len(answers))

    async def write_all(self, call, messages):
        try:
            for message in messages:
                await call.write(message)
            await call.done_writing()
        except asyncio.InvalidStateError:
            # The server has ended the call.
            pass

    async def converse(self, call, messages, answers, command):
        for message in messages:
            await call.write(message)
            answer = await call.read()
            if answer is grpc.aio.EOF:
                return
            answers.append(answer)
            self.tell_progress(command, answers)
            if command.get("cancelOn") == "message":
                call.cancel()
        await call.done_writing()
        await call.read()

    async def many(self, command):
        """So many calls that are open at the same time, each answered twice."""
        method = self.channel(command["address"]).stream_stream(f"/{SERVICE}/Bidi")
        calls = [method() for _ in range(command["count"])]

        async def say_and_hear(call):
            await call.write(b"ping")
            return await call.read() == b"ping"

        async def end(call):
            await call.done_writing()
            return await call.read() is grpc.aio.EOF and await call.code() is grpc.StatusCode.OK

        first = await asyncio.gather(*(say_and_hear(call) for call in calls))
        second = await asyncio.gather(*(say_and_hear(call) for call in calls))
        ended = await asyncio.gather(*(end(call) for call in calls))
        return {"whole": sum(map(all, zip(first, second, ended)))}


async def commands(target):
    reader = asyncio.StreamReader(limit=64 * MIB)
    protocol = asyncio.StreamReaderProtocol(reader)
    await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, sys.stdin)
    running = set()

    async def run(command):
        try:
            answer = await getattr(target, command["op"])(command)
        except Exception as error:  # The test must hear of it.
            answer = {"error": repr(error)}
        say(id=command["id"], **answer)

    while line := await reader.readline():
        task = asyncio.create_task(run(json.loads(line)))
        running.add(task)
        task.add_done_callback(running.discard)


async def main():
    role = sys.argv[1]
    options = json.loads(sys.argv[2])
    channel = list({**CHANNEL, **options["channel"]}.items())
    if role == "call":
        say(port=0)
        return await commands(Client(channel))
    calls = Calls()
    server = grpc.aio.server(options=channel)
    server.add_generic_rpc_handlers((calls.handlers(),))
    port = server.add_insecure_port(f"127.0.0.1:{options['port']}")
    calls.port = port
    await server.start()
    say(port=port)
    await commands(Server(calls, server))


asyncio.run(main())
