/** Ports for servers that take seconds to start. */
import { connect, createServer, type Server } from "node:net";
import { expect, test } from "vitest";
import { freePort } from "../../dev/free-port.ts";

test("a free port is none that an outgoing connection could be given meanwhile", async () => {
  const server: Server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const at = server.address();
  const outgoing = connect(typeof at === "object" && at !== null ? at.port : 0, "127.0.0.1");
  await new Promise<void>((resolve) => outgoing.once("connect", resolve));
  const ports = await Promise.all(Array.from({ length: 100 }, () => freePort()));
  expect(Math.min(...ports)).toBeGreaterThan(1024);
  expect(Math.max(...ports)).toBeLessThan(32_768);
  expect(outgoing.localPort).toBeGreaterThanOrEqual(32_768);
  outgoing.destroy();
  server.close();
});

test("it can be served on, and is not given while it is", async () => {
  const port = await freePort();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  await expect(freePort(port)).rejects.toThrow(`port ${port} is in use`);
  server.close();
});
