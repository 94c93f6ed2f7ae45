/** Where the local stack is reached: a name, at which nobody else answers. */
import { createServer, type Server } from "node:net";
import { expect, test } from "vitest";
import { startStack } from "../../dev/stack.ts";

const listening = (host: string): Promise<Server | null> =>
  new Promise((resolve) => {
    const server = createServer();
    // A machine without IPv6 has nobody at ::1.
    server.once("error", () => resolve(null));
    server.listen(0, host, () => resolve(server));
  });

test.each(["127.0.0.1", "::1"])("a port that another server holds at %s is not served on", async (host) => {
  const other = await listening(host);
  if (other === null) return expect(host).toBe("::1");
  const address = other.address();
  const port = typeof address === "object" ? address?.port : undefined;
  await expect(startStack({ port: port ?? 0 })).rejects.toThrow(`port ${port} is in use`);
  other.close();
});
