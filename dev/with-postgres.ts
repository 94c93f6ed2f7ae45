/**
 * `node dev/with-postgres.ts COMMAND…` runs a command beside a real Postgres: the one in DATABASE_URL, or one of its own
 * that is stopped afterwards. The command finds it in DATABASE_URL (its owner) and APP_DATABASE_PASSWORD (the app role's).
 */
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { startPostgres } from "./database/postgres.ts";

async function withPostgres(command: string, args: readonly string[]): Promise<number> {
  const databaseUrl = process.env["DATABASE_URL"];
  const appPassword = process.env["APP_DATABASE_PASSWORD"];
  // Roles belong to the whole server: a password made up here would lock out whoever uses that server already.
  if (databaseUrl && !appPassword)
    throw new Error("DATABASE_URL is set: set APP_DATABASE_PASSWORD too, the password of dialgate_app on that server");
  const server = await startPostgres({ databaseUrl });
  try {
    const env = {
      ...process.env,
      DATABASE_URL: server.connectionString,
      APP_DATABASE_PASSWORD: appPassword ?? randomBytes(18).toString("base64url"),
    };
    const child = spawn(command, args, { stdio: "inherit", env });
    const passOn = (signal: NodeJS.Signals): void => void child.kill(signal);
    process.on("SIGINT", passOn);
    process.on("SIGTERM", passOn);
    return await new Promise<number>((resolve, reject) => {
      child.on("error", reject);
      child.on("close", (code) => resolve(code ?? 1));
    });
  } finally {
    await server.stop();
  }
}

const [command, ...args] = process.argv.slice(2);
if (command === undefined) {
  console.error("usage: node dev/with-postgres.ts COMMAND [ARGUMENT…]");
  process.exitCode = 64;
} else {
  try {
    process.exitCode = await withPostgres(command, args);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
