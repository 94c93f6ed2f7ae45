import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { expect, test } from "vitest";

const script = fileURLToPath(new URL("../../dev/with-postgres.ts", import.meta.url));

function withPostgres(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): { status: number | null; stdout: string; stderr: string } {
  const { DATABASE_URL, APP_DATABASE_PASSWORD, ...rest } = process.env;
  void DATABASE_URL;
  void APP_DATABASE_PASSWORD;
  return spawnSync(process.execPath, [script, ...args], { env: { ...rest, ...env }, encoding: "utf8", timeout: 120_000 });
}

test("the command finds a server, its exit code is passed on, and the server is gone afterwards", async () => {
  const { status, stdout } = withPostgres(
    [
      process.execPath,
      "-e",
      "console.log(process.env.DATABASE_URL, process.env.APP_DATABASE_PASSWORD.length > 16); process.exit(7)",
    ],
    {},
  );
  expect(status).toBe(7);
  const [url, password] = stdout.trim().split(" ");
  expect(password).toBe("true");
  await expect(new pg.Client({ connectionString: url ?? "", connectionTimeoutMillis: 2000 }).connect()).rejects.toThrow(
    "ECONNREFUSED",
  );
});

test("with DATABASE_URL it starts nothing, and wants the app role's password instead of setting another one", () => {
  const url = process.env["DATABASE_URL"] ?? "";
  expect(url).not.toBe("");
  const print = [process.execPath, "-e", "console.log(process.env.DATABASE_URL)"];
  expect(withPostgres(print, { DATABASE_URL: url, APP_DATABASE_PASSWORD: "given" })).toMatchObject({
    status: 0,
    stdout: `${url}\n`,
  });
  const refused = withPostgres(print, { DATABASE_URL: url });
  expect(refused.status).toBe(1);
  expect(refused.stderr).toContain("APP_DATABASE_PASSWORD");
});
