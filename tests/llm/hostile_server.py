"""A chat server that misbehaves on order; run as a script, it is a process that can be killed.

python hostile_server.py PORT        (0: any; the port is printed)

POST /control sets the behaviours: the first ones are used up in order, the last one stays.
GET /control tells what it was asked. Everything else is the OpenAI protocol, as vLLM speaks it.
"""

import json
import math
import socket
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

MODEL = {"id": "hostile", "object": "model", "owned_by": "vllm", "max_model_len": 4096}
GOOD = {"kind": "good"}
ENDLESS = "and then it goes down " * 200


class State:
    def __init__(self):
        self.lock = threading.Lock()
        self.behaviours = [GOOD]
        self.requests = []
        self.at_once = 0
        self.most_at_once = 0

    def next(self):
        with self.lock:
            return self.behaviours.pop(0) if len(self.behaviours) > 1 else self.behaviours[0]


def instance(schema, definitions):
    """Return the smallest value that fits a JSON schema."""
    if "$ref" in schema:
        return instance(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    for kind in ("anyOf", "oneOf", "allOf"):
        if kind in schema:
            return instance(schema[kind][-1], definitions)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][0]
    kind = schema.get("type", "null")
    if kind == "object":
        return {
            name: instance(part, definitions) for name, part in schema.get("properties", {}).items()
        }
    if kind == "array":
        return [instance(schema["items"], definitions)] * schema.get("minItems", 0)
    if kind == "string":
        return "x" * max(1, schema.get("minLength", 1))
    if kind in {"integer", "number"}:
        return max(schema.get("minimum", 0), 0)
    return {"boolean": False}.get(kind)


def answer(body):
    """Return what a well-behaved model without opinions says."""
    if "structured_outputs" in body:
        return body["structured_outputs"]["choice"][0]
    if "json_schema" in body.get("response_format", {}):
        schema = body["response_format"]["json_schema"]["schema"]
        return json.dumps(instance(schema, schema.get("$defs", {})))
    return "A word."


def call(name, arguments):
    return [{"id": "c1", "type": "function", "function": {"name": name, "arguments": arguments}}]


def first_tool(body):
    return body["tools"][0]["function"]["name"] if body.get("tools") else "regulators"


def message(behaviour, body):
    """Return (content, tool calls, why it stopped)."""
    kind = behaviour["kind"]
    if kind == "say":
        return behaviour["content"], None, behaviour.get("finish", "stop")
    if kind == "call":
        return None, call(behaviour["name"], behaviour["arguments"]), "tool_calls"
    if kind == "wrong_schema":
        return '{"something": "else", "p": "high"}', None, "stop"
    if kind == "endless":
        return ENDLESS, None, "length"
    if kind == "empty":
        return "", None, "stop"
    if kind == "bad_arguments":
        return None, call(first_tool(body), '{"gene": '), "tool_calls"
    if kind == "unknown_tool":
        return None, call("delete_everything", "{}"), "tool_calls"
    return answer(body), None, "stop"


def logprobs(behaviour, body):
    """Return the log-probabilities of an answer's token: the first option has most."""
    tokens = behaviour.get("tokens")
    if tokens is None:
        options = body.get("structured_outputs", {}).get("choice") or ["yes", "no"]
        rest = 0.2 / max(1, len(options) - 1)
        tokens = {option: 0.8 if i == 0 else rest for i, option in enumerate(options)}
    positions = [*({thought: 1.0} for thought in behaviour.get("thoughts", ())), tokens]
    return {"content": [position(one) for one in positions]}


def position(tokens):
    listed = [{"token": token, "logprob": math.log(p)} for token, p in tokens.items()]
    listed.append({"token": "!", "logprob": -9999.0})
    return {**listed[0], "top_logprobs": listed}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    state: State

    def log_message(self, *args):
        pass

    def reply(self, value, status=200, headers=(), keep=None):
        data = value.encode() if isinstance(value, str) else json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        for name, text in headers:
            self.send_header(name, text)
        self.end_headers()
        self.wfile.write(data if keep is None else data[: int(len(data) * keep)])

    def do_GET(self):
        if self.path == "/control":
            told = {"requests": self.state.requests, "most_at_once": self.state.most_at_once}
            return self.reply(told)
        if self.path == "/health":
            return self.reply({})
        behaviour = self.state.behaviours[0]
        if "models_code" in behaviour or (behaviour.get("only_v1") and "/v1/" not in self.path):
            code = behaviour.get("models_code", 404)
            return self.reply({"error": {"message": "Not Found"}}, code)
        if behaviour["kind"] == "huge_list":
            return self.pour(behaviour["megabytes"])
        if behaviour["kind"] == "drip_list":
            return self.drip(headers=False)
        return self.reply({"object": "list", "data": [behaviour.get("model", MODEL)]})

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))))
        if self.path == "/control":
            self.state.behaviours = body["behaviours"]
            self.state.requests.clear()
            self.state.most_at_once = 0
            return self.reply({})
        with self.state.lock:
            headers = {name.lower(): value for name, value in self.headers.items()}
            self.state.requests.append({"body": body, "headers": headers})
            self.state.at_once += 1
            self.state.most_at_once = max(self.state.at_once, self.state.most_at_once)
        try:
            return self.misbehave(self.state.next(), body)
        finally:
            with self.state.lock:
                self.state.at_once -= 1

    def drip(self, *, headers):
        """Send a byte now and then, for ever."""
        head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
        self.wfile.write(head + (b"X-More: " if headers else b"Content-Length: 99999\r\n\r\n"))
        self.close_connection = True
        for _ in range(600):
            self.wfile.write(b" ")
            self.wfile.flush()
            time.sleep(0.1)

    def pour(self, megabytes):
        """Send so much, and no JSON."""
        self.send_response(200)
        self.send_header("Content-Length", str(megabytes << 20))
        self.end_headers()
        self.close_connection = True
        for _ in range(megabytes):
            self.wfile.write(b"[" * (1 << 20))

    def misbehave(self, behaviour, body):
        kind = behaviour["kind"]
        time.sleep(behaviour.get("seconds", 0))
        if kind == "status":
            code = behaviour["code"]
            error = {"error": {"message": behaviour.get("message", "not today"), "code": code}}
            return self.reply(error, code, [("retry-after-ms", "1")])
        if kind == "picky":
            for name, told in behaviour["refuses"].items():
                if name in json.dumps(body):
                    return self.reply({"error": {"message": told}}, behaviour.get("code", 400))
        if kind == "raw":
            text = behaviour["body"].replace("{authorization}", self.headers["Authorization"] or "")
            return self.reply(text, behaviour.get("code", 200))
        if kind in {"drip", "drip_headers"}:
            return self.drip(headers=kind == "drip_headers")
        if kind == "huge":
            return self.pour(behaviour["megabytes"])
        if kind == "redirect":
            return self.reply("", 307, [("Location", behaviour["to"])])
        if kind == "nonsense":
            return self.reply("<html>It works!</html>")
        content, calls, finish = message(behaviour, body)
        choice = {
            "index": 0,
            "message": {"role": "assistant", "content": content, "tool_calls": calls},
            "finish_reason": finish,
            "logprobs": logprobs(behaviour, body)
            if body.get("logprobs") and kind != "no_logprobs"
            else None,
        }
        usage = {
            "prompt_tokens": sum(len((m["content"] or "").split()) for m in body["messages"]),
            "completion_tokens": 1,
            "prompt_tokens_details": {"cached_tokens": 0},
        }
        whole = {"id": "x", "object": "chat.completion", "choices": [choice], "usage": usage}
        if kind == "drop":
            self.reply(whole, keep=0.5)
            self.wfile.flush()
            self.connection.shutdown(socket.SHUT_RDWR)
            self.close_connection = True
            return None
        if kind == "truncated":
            text = json.dumps(whole)
            return self.reply(text[: len(text) // 2])
        return self.reply(whole)


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request, client_address):
        """A client that hangs up is part of the game."""


if __name__ == "__main__":
    Handler.state = State()
    server = Server(("127.0.0.1", int(sys.argv[1])), Handler)
    print(server.server_port, flush=True)  # noqa: T201
    server.serve_forever()
