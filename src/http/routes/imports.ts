import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { createImport, type Import } from "../../domain/imports/create-import.ts";
import { findImport, findImports } from "../../domain/imports/find-imports.ts";
import { attestationTerms, columnMap } from "../../domain/imports/import-map.ts";
import { rejectedCsv } from "../../domain/imports/rejected-csv.ts";
import { fileBytesMax, storeFile, type UploadRefusal } from "../../domain/imports/store-file.ts";
import { hexOf } from "../../lib/bytes.ts";
import { publicId } from "../../lib/ids.ts";
import { json, jsonBody, posts, problems, reads, streams } from "../access.ts";
import { givenId, idField, idOf, idParam, instantField, line } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { refuseOtherForms } from "../refuse-other-forms.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { conflict, invalid, notFound, Problem } from "../problem.ts";

const newImport = z
  .strictObject({ seller_id: givenId("seller"), file_name: line(200), columns: columnMap, attestation: attestationTerms })
  .openapi("NewImport", {
    example: {
      seller_id: publicId("seller", "019a9b2c-7d00-7000-8000-000000000001"),
      file_name: "leads.csv",
      columns: { phone: "Phone", state: "State", consent_at: "Consent Date", consent_text: "Disclosure" },
      attestation: { purpose: "marketing", basis: "pewc", signature: "web_form_submit", date_zone: "UTC" },
    },
  });
const counts = z.record(z.string(), z.int());
const shown = z
  .strictObject({
    id: idField("import"),
    object: z.literal("import"),
    seller_id: idField("seller"),
    file_name: z.string(),
    file_sha256: z.string().nullable(),
    columns: z.record(z.string(), z.string()),
    attestation: z.record(z.string(), z.unknown()),
    status: z.string(),
    status_reason: z.string().nullable(),
    status_detail: z
      .string()
      .nullable()
      .openapi({ description: "What is wrong with the file: the columns that it lacks, for one." }),
    bytes_total: z.int().nullable().openapi({ description: "Null while the import waits for its file." }),
    bytes_done: z.int(),
    rows_in: z.int(),
    accepted: z.int(),
    eligible: z.int(),
    rejected: counts,
    ineligible: counts,
    upload_url: z.string().nullable().openapi({ description: "Where the file goes, by PUT, while the import waits for it." }),
    created_at: instantField,
    finished_at: instantField.nullable(),
  })
  .openapi("Import");

const view = (row: Import): z.infer<typeof shown> => ({
  id: publicId("import", row.id),
  object: "import",
  seller_id: publicId("seller", row.sellerId),
  file_name: row.fileName,
  file_sha256: row.fileSha256 === null ? null : hexOf(row.fileSha256),
  columns: row.columns as Record<string, string>,
  attestation: row.attestation as Record<string, unknown>,
  status: row.status,
  status_reason: row.statusReason,
  status_detail: row.statusDetail,
  bytes_total: row.status === "awaiting_file" ? null : row.bytesTotal,
  bytes_done: row.bytesDone,
  rows_in: row.rowsDone,
  accepted: row.accepted,
  eligible: row.eligible,
  rejected: row.rejected as Record<string, number>,
  ineligible: row.ineligible as Record<string, number>,
  upload_url: row.status === "awaiting_file" ? `/v1/imports/${publicId("import", row.id)}/file` : null,
  created_at: row.createdAt,
  finished_at: row.finishedAt,
});

export function importRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/imports",
      summary: "Announce a file of leads: its columns, and what is attested of its consent",
      tags: ["imports"],
      ...posts("imports.create", { keyRequired: true }),
      request: { body: jsonBody(newImport) },
      responses: { 201: json("The import; send the file to its `upload_url`.", shown), ...problems },
    }),
    async (c) => {
      const body = c.req.valid("json");
      const made = await createImport(c.var.org, {
        sellerId: idOf("seller", body.seller_id),
        fileName: body.file_name,
        columns: body.columns,
        attestation: body.attestation,
      });
      if (!made.ok) throw invalid({ pointer: "/seller_id", code: made.refusal.reason, detail: "There is no such seller." });
      return c.json(view(made.value), 201, { location: `/v1/imports/${publicId("import", made.value.id)}` });
    },
  );

  app.openapi(
    createRoute({
      method: "put",
      path: "/v1/imports/{id}/file",
      summary: "Send the file",
      description: `CSV in UTF-8, with Content-Length, at most ${fileBytesMax} bytes. It is read afterwards; poll the import.`,
      tags: ["imports"],
      ...streams("imports.upload"),
      request: {
        params: idParam("import"),
        body: { required: true, content: { "text/csv": { schema: z.string().openapi({ format: "binary" }) } } },
      },
      responses: { 202: json("It is being read.", shown), ...problems },
    }),
    async (c) => {
      refuseOtherForms(c, ["text/csv", "application/octet-stream"], "the file");
      const announced = c.req.header("content-length");
      if (announced === undefined || !/^\d{1,15}$/.test(announced)) {
        throw new Problem("invalid_request", {
          detail: "Say the file's length.",
          errors: [{ pointer: "", code: "length_required", detail: "Content-Length is needed." }],
          unproven: true,
        });
      }
      const { body } = c.req.raw;
      const done = await storeFile(
        c.var.org,
        c.env.files,
        idOf("import", c.req.valid("param").id),
        body ?? emptyStream(),
        Number(announced),
      );
      if (!done.ok) throw uploadProblem(done.refusal.reason);
      await c.env.wake(done.value.orgId, "import");
      return c.json(view(done.value), 202);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/imports",
      summary: "List imports, newest first",
      tags: ["imports"],
      ...reads("imports.list"),
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: json("A page.", listOf(shown)), ...problems },
    }),
    async (c) => {
      const page = pageOf(c.req.valid("query"));
      return c.json(listBody(await findImports(c.var.org, page), page, view), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/imports/{id}",
      summary: "Get an import, with its progress",
      tags: ["imports"],
      ...reads("imports.get"),
      request: { params: idParam("import") },
      responses: { 200: json("The import.", shown), ...problems },
    }),
    async (c) => {
      const found = await findImport(c.var.org, idOf("import", c.req.valid("param").id));
      if (found === null) throw notFound("import");
      return c.json(view(found), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/imports/{id}/rejected.csv",
      summary: "The rejected rows as they came, with line, code and detail",
      description: "Once the file has been read: before that, 409 `conflict` with `import_not_read` names the import's status.",
      tags: ["imports"],
      ...reads("imports.rejected"),
      request: { params: idParam("import") },
      responses: { 200: { description: "The file.", content: { "text/csv": { schema: z.string() } } }, ...problems },
    }),
    async (c) => {
      const found = await findImport(c.var.org, idOf("import", c.req.valid("param").id));
      if (found === null) throw notFound("import");
      const unread = unreadBecause(found);
      if (unread !== null) throw conflict("import_not_read", unread);
      const headers = {
        "content-type": "text/csv; charset=utf-8",
        "content-disposition": 'attachment; filename="rejected.csv"',
        "cache-control": "no-store",
      };
      return new Response(rejectedCsv(c.var.org, found), { headers });
    },
  );
}

/** Why there is no list of rejected rows: an empty one would say that every row was taken. */
function unreadBecause({ status, header, statusReason }: Import): string | null {
  switch (status) {
    case "awaiting_file":
      return "The import waits for its file (`awaiting_file`): send it to `upload_url`, and wait until the status is `succeeded`.";
    case "queued":
    case "running":
      return `The file is not read to its end yet (\`${status}\`): wait until the status is \`succeeded\`.`;
    case "succeeded":
      return null;
    case "failed":
    case "cancelled":
      // A file that failed in its middle has a list of what was read of it.
      return header === null
        ? `No row of the file was read (\`${status}\`${statusReason === null ? "" : `, \`${statusReason}\``}): \`status_detail\` says what is wrong with it. Import it anew when that is mended.`
        : null;
  }
}

const emptyStream = (): ReadableStream<Uint8Array> =>
  new ReadableStream({
    start(out) {
      out.close();
    },
  });

function uploadProblem(reason: UploadRefusal["reason"]): Problem {
  switch (reason) {
    case "import_unknown":
      return notFound("import");
    case "file_present":
      return conflict(reason, "This import has its file already.");
    case "file_too_large":
      return new Problem("body_too_large", { detail: `A file has at most ${fileBytesMax} bytes.` });
    case "file_empty":
      return invalid({ pointer: "", code: reason, detail: "The file is empty." });
    case "file_incomplete":
      return invalid({
        pointer: "",
        code: reason,
        detail: "The body did not have the announced length. Nothing was kept; send it again.",
      });
  }
}
