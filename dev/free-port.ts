/** Free ports for servers that start seconds after their port was chosen. */
import { randomInt } from "node:crypto";
import { createServer } from "node:net";

/**
 * Below the ports that Linux (32768), macOS and Windows (49152) give to outgoing connections: one of those, made while
 * the server is still starting, would take its port.
 */
const [lowest, above] = [15_000, 32_768];

/** A port that nobody holds at 127.0.0.1 or ::1: the wanted one, refused where another server holds it, or any. */
export async function freePort(wanted = 0): Promise<number> {
  if (wanted !== 0) return heldByNobody(wanted);
  for (let left = 20; ; left--) {
    try {
      return await heldByNobody(randomInt(lowest, above));
    } catch (error) {
      if (left === 0) throw error;
    }
  }
}

async function heldByNobody(port: number): Promise<number> {
  await listenOnce(port, "127.0.0.1");
  // Whoever asks `localhost` may ask ::1 first. A machine without IPv6 has nobody there.
  await listenOnce(port, "::1").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "EADDRINUSE") throw error;
  });
  return port;
}

function listenOnce(port: number, host: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) =>
      reject(error.code === "EADDRINUSE" ? Object.assign(new Error(`port ${port} is in use`), { code: error.code }) : error),
    );
    server.listen(port, host, () => server.close(() => resolve()));
  });
}
