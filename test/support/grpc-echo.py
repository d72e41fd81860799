"""
A server and a client of grpcio as anybody writes them: nothing of a mesh is told them.

    grpc-echo.py serve HOST:PORT    until it is ended
    grpc-echo.py call HOST:PORT     a call of each kind; a line each of what came back
"""

import sys
import time
from concurrent import futures

import grpc

SERVICE = "culvert.test.Echo"
LONG = 100_000
MESSAGES = 50
DEADLINE_S = 10


def whole(request, context):
    return request


def each(requests, context):
    yield from requests


def refuse(request, context):
    context.abort(grpc.StatusCode.NOT_FOUND, "nothing of that name")


def serve(address):
    handlers = {
        "Whole": grpc.unary_unary_rpc_method_handler(whole),
        "Each": grpc.stream_stream_rpc_method_handler(each),
        "Refuse": grpc.unary_unary_rpc_method_handler(refuse),
    }
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    if server.add_insecure_port(address) == 0:
        sys.exit(f"cannot listen at {address}")
    server.start()
    server.wait_for_termination()


def conversation():
    for number in range(MESSAGES):
        # Not all in one write: the stream is open for a while.
        time.sleep(0.002)
        yield bytes([number]) * 1_000


def call(address):
    with grpc.insecure_channel(address) as channel:
        answer = channel.unary_unary(f"/{SERVICE}/Whole")(b"x" * LONG, timeout=DEADLINE_S)
        print("whole", len(answer))
        answers = list(channel.stream_stream(f"/{SERVICE}/Each")(conversation(), timeout=DEADLINE_S))
        print("each", answers == list(conversation()))
        try:
            channel.unary_unary(f"/{SERVICE}/Refuse")(b"", timeout=DEADLINE_S)
        except grpc.RpcError as error:
            print("refused", error.code().name, error.details())


{"serve": serve, "call": call}[sys.argv[1]](sys.argv[2])
