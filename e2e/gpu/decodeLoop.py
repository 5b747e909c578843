#!/usr/bin/env python3
"""A decode loop on the GPU behind OpenAI's completions: to measure how engines share a GPU where no inference engine is installed.

Shapes of Qwen2.5, random weights, a static context, one CUDA graph per batch size, continuous batching. Prompts are counted and not
computed, answers mean nothing. Needs python3 with torch and a CUDA GPU; --fake makes steps of a fixed length without one.
--host-ms and --host-us add scheduler work on the host to every step, with the GPU idle meanwhile: a stand-in for the host time of engines.
"""
import argparse
import asyncio
import json
import os
import signal
import threading
import time

parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int, required=True)
parser.add_argument("--model", default="0.5b", choices=["0.5b", "1.5b", "3b"])
parser.add_argument("--sequences", type=int, default=128, help="most requests at once")
parser.add_argument("--context", type=int, default=256, help="tokens of KV cache that every sequence reads in every step")
parser.add_argument("--kv-tokens", type=int, default=0, help="accepted for the sake of parity checks; the cache is sequences x context")
parser.add_argument("--interval", type=int, default=16, help="tokens per chunk")
parser.add_argument("--host-ms", type=float, default=0, help="host work per step")
parser.add_argument("--host-us", type=float, default=0, help="host work per step and sequence")
parser.add_argument("--fake", action="store_true")
options = parser.parse_args()

# hidden, layers, query heads, key-value heads, head dimension, intermediate, vocabulary
SHAPES = {"0.5b": (896, 24, 14, 2, 64, 4864, 151936), "1.5b": (1536, 28, 12, 2, 128, 8960, 151936), "3b": (2048, 36, 16, 2, 128, 11008, 151936)}
FAKE_STEP_S = 0.004
lock = threading.Lock()
waiting, active = [], []
wake = threading.Event()
ready = threading.Event()
totals = {"generated": 0, "prompt": 0}
event_loop = None


def say(*words):
    print(*words, flush=True)


class Request:
    __slots__ = ("want", "made", "sent", "chunks", "gone", "prompt")

    def __init__(self, want, prompt):
        self.want, self.prompt, self.made, self.sent, self.gone, self.chunks = want, prompt, 0, 0, False, asyncio.Queue()


def build():
    """Returns step(batch), which runs one decode step and waits for its tokens."""
    if options.fake:
        return lambda batch: time.sleep(FAKE_STEP_S)
    import torch
    import torch.nn.functional as F

    began = time.time()
    gpu, dtype, most = torch.device("cuda"), torch.bfloat16, options.sequences
    hidden, layers, heads, kv_heads, head, intermediate, vocabulary = SHAPES[options.model]
    say("CUDA:", torch.cuda.get_device_name(0), torch.cuda.get_device_properties(0).multi_processor_count, "SMs")

    def random(*shape):
        return torch.randn(*shape, device=gpu, dtype=dtype) * 0.02

    weights = [(random((heads + 2 * kv_heads) * head, hidden), random(hidden, heads * head), random(2 * intermediate, hidden), random(hidden, intermediate)) for _ in range(layers)]
    keys = [random(most, kv_heads, options.context, head) for _ in range(layers)]
    values = [random(most, kv_heads, options.context, head) for _ in range(layers)]
    output, first = random(vocabulary, hidden), random(most, hidden)
    tokens = torch.zeros(most, dtype=torch.long, device=gpu)

    def forward(batch):
        x = first[:batch]
        for (qkv, out, gate_up, down), key, value in zip(weights, keys, values):
            query = F.linear(F.rms_norm(x, (hidden,)), qkv)[:, : heads * head].view(batch, heads, 1, head)
            attention = F.scaled_dot_product_attention(query, key[:batch], value[:batch], enable_gqa=True)
            x = x + F.linear(attention.reshape(batch, heads * head), out)
            gate, up = F.linear(F.rms_norm(x, (hidden,)), gate_up).chunk(2, -1)
            x = x + F.linear(F.silu(gate) * up, down)
        tokens[:batch].copy_(F.linear(F.rms_norm(x, (hidden,)), output).argmax(-1))

    graphs = {}
    with torch.no_grad():
        for batch in sorted({min(most, 2**power) for power in range(3, 12)}):
            forward(batch)
            forward(batch)
            torch.cuda.synchronize()
            graphs[batch] = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graphs[batch]):
                forward(batch)
    say(f"ready after {time.time() - began:.1f} s. GPU KV cache size: {most * options.context:,} tokens")
    sizes = sorted(graphs)

    def step(batch):
        graphs[next(size for size in sizes if size >= batch)].replay()
        tokens[:batch].tolist()

    return step


def work():
    try:
        step = build()
        ready.set()
        while True:
            with lock:
                while waiting and len(active) < options.sequences:
                    request = waiting.pop(0)
                    totals["prompt"] += request.prompt
                    active.append(request)
            if not active:
                wake.wait(0.05)
                wake.clear()
                continue
            until = time.perf_counter() + options.host_ms / 1e3 + options.host_us * len(active) / 1e6
            while time.perf_counter() < until:
                pass
            step(len(active))
            totals["generated"] += len(active)
            due = []
            for request in active:
                request.made += 1
                if request.made == 1 or request.made - request.sent >= options.interval or request.made >= request.want:
                    due.append((request, request.made - request.sent))
                    request.sent = request.made
            active[:] = [request for request in active if request.made < request.want and not request.gone]
            if due:
                event_loop.call_soon_threadsafe(deliver, due)
    except BaseException as error:
        say("fatal:", type(error).__name__, str(error)[:600])
        os._exit(1)


def deliver(due):
    for request, count in due:
        request.chunks.put_nowait(count)


def reply(writer, status, body, kind="application/json"):
    raw = (body if isinstance(body, str) else json.dumps(body)).encode()
    writer.write(b"HTTP/1.1 %d -\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n" % (status, kind.encode(), len(raw)) + raw)


def event(body):
    raw = ("data: " + (body if isinstance(body, str) else json.dumps(body)) + "\n\n").encode()
    return b"%x\r\n%s\r\n" % (len(raw), raw)


async def complete(body, writer):
    prompt = body.get("prompt", "")
    request = Request(int(body.get("max_tokens", 16)), max(1, len(prompt if isinstance(prompt, list) else prompt.split())))
    with lock:
        waiting.append(request)
    wake.set()
    streams, sent = body.get("stream"), 0
    frame = {"id": "cmpl-1", "object": "text_completion", "model": options.model}
    try:
        if streams:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
        while sent < request.want:
            count = await request.chunks.get()
            sent += count
            if streams:
                writer.write(event({**frame, "choices": [{"index": 0, "text": " tok" * count, "finish_reason": "length" if sent >= request.want else None}]}))
                await writer.drain()
        usage = {"prompt_tokens": request.prompt, "completion_tokens": sent, "total_tokens": request.prompt + sent}
        if streams:
            writer.write(event({**frame, "choices": [], "usage": usage}) + event("[DONE]") + b"0\r\n\r\n")
        else:
            reply(writer, 200, {**frame, "choices": [{"index": 0, "text": " tok" * sent, "finish_reason": "length"}], "usage": usage})
        await writer.drain()
    finally:
        request.gone = True


async def answer(reader, writer):
    try:
        while line := await reader.readline():
            method, path, _ = line.decode().split(" ", 2)
            length = 0
            while (header := await reader.readline()) not in (b"\r\n", b""):
                if header.lower().startswith(b"content-length:"):
                    length = int(header.split(b":")[1])
            body = await reader.readexactly(length) if length else b"{}"
            if path == "/health":
                reply(writer, 200 if ready.is_set() else 503, {})
            elif path == "/v1/models":
                reply(writer, 200, {"object": "list", "data": [{"id": options.model, "object": "model"}]})
            elif path == "/metrics":
                labels = f'{{engine="0",model_name="{options.model}"}}'
                reply(writer, 200, f"vllm:num_requests_running{labels} {len(active)}\nvllm:num_requests_waiting{labels} {len(waiting)}\n"
                      f"vllm:prompt_tokens_total{labels} {totals['prompt']}\nvllm:generation_tokens_total{labels} {totals['generated']}\n", "text/plain; version=0.0.4")
            elif path == "/v1/completions" and method == "POST":
                await complete(json.loads(body), writer)
            else:
                reply(writer, 404, {"error": {"message": "There is no such path."}})
            await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


async def main():
    global event_loop
    event_loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        event_loop.add_signal_handler(name, lambda: os._exit(0))
    threading.Thread(target=work, daemon=True).start()
    server = await asyncio.start_server(answer, "127.0.0.1", options.port, limit=1 << 20, backlog=4096)
    await server.serve_forever()


asyncio.run(main())
