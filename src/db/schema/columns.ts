import { sql } from "drizzle-orm";
import { customType } from "drizzle-orm/pg-core";
import { byteaText } from "../../lib/bytes.ts";
import type { Instant } from "../../lib/instant.ts";

/** timestamptz as RFC 3339 in UTC; the transport's parser has already given it that form. */
export const instant = customType<{ data: Instant; driverData: string }>({
  dataType: () => "timestamptz",
});

/** bytea. Sent as `\x…` text, the one form that both of the driver's transports keep. */
export const bytes = customType<{ data: Uint8Array; driverData: string | Uint8Array }>({
  dataType: () => "bytea",
  toDriver: byteaText,
});

export const xid8 = customType<{ data: string; driverData: string }>({ dataType: () => "xid8" });

/** The column has a default in its migration; the value itself is never sent from here. */
export const databaseDefault = sql`default`;
