"""Says to an echo what it is told to, through Autobahn, and prints what came back: one object for each message, then the close."""

import asyncio
import json
import sys

from autobahn.asyncio.websocket import WebSocketClientFactory, WebSocketClientProtocol

# Kind, bytes, and of how many bytes each fragment is; none: in one frame.
SIZES = [0, 1, 125, 126, 127, 1000, 65535, 65536]
MESSAGES = [(kind, size, None) for kind in ("text", "binary") for size in SIZES]
MESSAGES += [(kind, 4000, fragment) for kind in ("text", "binary") for fragment in (100, 1999, 4000)]
LETTERS = "κόσμε – Grüße, 日本語 😀 and plain letters. ".encode("utf8")


def payload(kind, size):
    if kind == "binary":
        return bytes((at * 31 + 7) & 0xFF for at in range(size))
    whole = (LETTERS * (size // len(LETTERS) + 1))[:size].decode("utf8", errors="ignore").encode("utf8")
    return whole + b"." * (size - len(whole))


class Peer(WebSocketClientProtocol):
    def onOpen(self):
        self.said = []
        self.heard = []
        self.sendPing(b"before all")
        for kind, size, fragment in MESSAGES:
            self.say(payload(kind, size), kind == "binary", fragment)

    def say(self, data, binary, fragment):
        self.said.append((data, binary))
        self.sendMessage(data, isBinary=binary, fragmentSize=fragment)

    def onPong(self, data):
        print(json.dumps({"pong": data.decode()}))

    def onMessage(self, data, binary):
        said, as_binary = self.said[len(self.heard)]
        self.heard.append(data)
        print(json.dumps({"binary": binary, "bytes": len(data), "same": data == said and binary == as_binary}))
        if len(self.heard) == len(self.said):
            self.sendClose(3456, "that was all")

    def onClose(self, clean, code, reason):
        print(json.dumps({"clean": clean, "code": code}))
        self.factory.loop.stop()


# Before the factory, which keeps the loop that it finds.
loop = asyncio.new_event_loop()
asyncio.set_event_loop(loop)
factory = WebSocketClientFactory(sys.argv[1])
factory.protocol = Peer
factory.setProtocolOptions(failByDrop=False, openHandshakeTimeout=20, closeHandshakeTimeout=20)
port = int(sys.argv[1].rsplit(":", 1)[1].split("/")[0])
loop.run_until_complete(loop.create_connection(factory, "127.0.0.1", port))
loop.run_forever()
