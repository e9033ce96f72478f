"""A bad network in one process: a relay in front of a server on this machine, through which bytes come late, in spurts,
or not at all. What a lost packet means to a program is a wait for its retransmission, here RETRANSMIT_S; a partition
takes everything, and connections that are opened meanwhile wait. It needs no rights and nothing of the kernel (netem is a
module that many lack). A thread of its own; standard library only."""
import asyncio, random, threading

RETRANSMIT_S = 0.2
CHUNK = 16384  # bytes that share one fate; a packet of the loopback interface is as large


class Wire:
    """listens on `port` of 127.0.0.1 and passes on to `to`; a clean wire until bad() and cut() say otherwise."""

    def __init__(self, port, to):
        self.port, self.to = port, to
        self.bad()
        self.passed = 0  # bytes, both ways
        self.loop = asyncio.new_event_loop()
        started = threading.Event()
        threading.Thread(target=self.run, args=(started,), daemon=True).start()
        started.wait()

    def bad(self, delay_s=0.0, jitter_s=0.0, loss=0.0):
        """Each way: so late, give or take so much, and such a share of the chunks lost at first."""
        self.delay_s, self.jitter_s, self.loss = delay_s, jitter_s, loss

    def cut(self, is_cut):
        """Nothing passes until it is mended; nothing is reset either."""
        self.loop.call_soon_threadsafe(self.whole.clear if is_cut else self.whole.set)

    def run(self, started):
        asyncio.set_event_loop(self.loop)
        self.whole = asyncio.Event()
        self.whole.set()
        self.loop.run_until_complete(asyncio.start_server(self.serve, "127.0.0.1", self.port))
        started.set()
        self.loop.run_forever()

    async def serve(self, reader, writer):
        await self.whole.wait()
        try:
            there, back = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            writer.close()
            return
        await asyncio.gather(self.carry(reader, back), self.carry(there, writer))

    async def carry(self, reader, writer):
        """One direction: chunks keep their order, so one that is late makes late those behind it."""
        on_way = asyncio.Queue(256)
        sender = asyncio.ensure_future(self.deliver(on_way, writer))
        try:
            while chunk := await reader.read(CHUNK):
                late_s = max(0.0, random.gauss(self.delay_s, self.jitter_s / 2)) if self.delay_s else 0.0
                if self.loss and random.random() < self.loss:
                    late_s += RETRANSMIT_S
                await on_way.put((self.loop.time() + late_s, chunk))
        except OSError:
            pass
        await on_way.put((0, None))
        await sender

    async def deliver(self, on_way, writer):
        broken = False
        while True:
            due, chunk = await on_way.get()
            if chunk is None:
                writer.close()
                return
            await asyncio.sleep(max(0.0, due - self.loop.time()))
            await self.whole.wait()
            if broken:
                continue
            try:
                writer.write(chunk)
                await writer.drain()
                self.passed += len(chunk)
            except OSError:
                broken = True
