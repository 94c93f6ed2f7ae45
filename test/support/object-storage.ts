/** Durable Objects without the platform: their storage is SQLite and an alarm, and a name is one object. */
import { DatabaseSync } from "node:sqlite";
import { type ObjectState, RateLimiterObject } from "../../src/objects/rate-limiter.ts";

export interface MemoryStorage extends Readonly<ObjectState["storage"]> {
  /** When the alarm goes off; null for none. */
  alarmMs: number | null;
  /** How often everything was deleted. */
  deletions: number;
}

export function memoryStorage(): MemoryStorage {
  let database = new DatabaseSync(":memory:");
  return {
    alarmMs: null,
    deletions: 0,
    sql: {
      exec: (query, ...bindings) => ({
        toArray: () => database.prepare(query).all(...(bindings as never[])) as Record<string, unknown>[],
      }),
    },
    async setAlarm(ms) {
      this.alarmMs = ms;
    },
    // The alarm goes with it (Durable Objects, compatibility date 2026-02-24).
    async deleteAll() {
      database = new DatabaseSync(":memory:");
      this.alarmMs = null;
      this.deletions += 1;
    },
  };
}

/** Counters by their name. Each name that was asked is kept, in order. */
export function memoryNamespace(milliseconds: () => number = Date.now) {
  const objects = new Map<string, RateLimiterObject>();
  const names: string[] = [];
  return {
    names,
    idFromName: (name: string) => name,
    get: (name: string) => ({
      async fetch(url: string, init: RequestInit): Promise<Response> {
        names.push(name);
        const object = objects.get(name) ?? new RateLimiterObject({ storage: memoryStorage() }, milliseconds);
        objects.set(name, object);
        return object.fetch(new Request(url, { method: "POST", body: init.body as string }));
      },
    }),
  };
}
