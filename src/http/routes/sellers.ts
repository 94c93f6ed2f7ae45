import { createRoute, z, type OpenAPIHono } from "@hono/zod-openapi";
import { createSeller, type Seller } from "../../domain/sellers/create-seller.ts";
import { findSeller, findSellers } from "../../domain/sellers/find-sellers.ts";
import { updateSeller } from "../../domain/sellers/update-seller.ts";
import { publicId } from "../../lib/ids.ts";
import { changes, json, jsonBody, posts, problems, reads } from "../access.ts";
import { idField, idOf, idParam, instantField, line, lines } from "../fields.ts";
import type { HttpEnv } from "../http-env.ts";
import { listBody, listOf, pageOf, pageQuery } from "../page.ts";
import { notFound } from "../problem.ts";

const fields = {
  registered_name: line(200).openapi({ example: "Acme Solar LLC", description: "As registered; what consent must name." }),
  trade_names: z.array(line(200)).max(20),
  address: lines(500).nullable(),
  do_not_call_number: z
    .string()
    .regex(/^\+1\d{10}$/, "A US number in E.164 form is needed, such as +18005550142.")
    .nullable()
    .openapi({ example: "+18005550123" }),
  san: line(20).nullable().openapi({ description: "Subscription Account Number at the national registry." }),
  san_area_codes: z.array(z.string().regex(/^[2-9]\d{2}$/, "An area code of three digits is needed.")).max(400),
};
const newSeller = z
  .strictObject({
    ...fields,
    trade_names: fields.trade_names.default([]),
    address: fields.address.default(null),
    do_not_call_number: fields.do_not_call_number.default(null),
    san: fields.san.default(null),
    san_area_codes: fields.san_area_codes.default([]),
  })
  .openapi("NewSeller", { example: { registered_name: "Acme Solar LLC", trade_names: ["Acme Sun"] } });
const changedSeller = z
  .strictObject(fields)
  .partial()
  .openapi("ChangedSeller", { example: { trade_names: ["Acme Sun"] } });
const seller = z
  .strictObject({ id: idField("seller"), object: z.literal("seller"), ...fields, created_at: instantField })
  .openapi("Seller");

const view = (row: Seller): z.infer<typeof seller> => ({
  id: publicId("seller", row.id),
  object: "seller",
  registered_name: row.registeredName,
  trade_names: row.tradeNames,
  address: row.address,
  do_not_call_number: row.doNotCallNumber,
  san: row.san,
  san_area_codes: row.sanAreaCodes,
  created_at: row.createdAt,
});

export function sellerRoutes(app: OpenAPIHono<HttpEnv>): void {
  app.openapi(
    createRoute({
      method: "post",
      path: "/v1/sellers",
      summary: "Add a seller",
      tags: ["sellers"],
      ...posts("sellers.create"),
      request: { body: jsonBody(newSeller) },
      responses: { 201: json("The seller.", seller), ...problems },
    }),
    async (c) => {
      const body = c.req.valid("json");
      const made = await createSeller(c.var.org, {
        registeredName: body.registered_name,
        tradeNames: body.trade_names,
        address: body.address,
        doNotCallNumber: body.do_not_call_number,
        san: body.san,
        sanAreaCodes: body.san_area_codes,
      });
      return c.json(view(made), 201, { location: `/v1/sellers/${publicId("seller", made.id)}` });
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/sellers",
      summary: "List sellers, newest first",
      tags: ["sellers"],
      ...reads("sellers.list"),
      request: { query: z.strictObject(pageQuery) },
      responses: { 200: json("A page.", listOf(seller)), ...problems },
    }),
    async (c) => {
      const page = pageOf(c.req.valid("query"));
      return c.json(listBody(await findSellers(c.var.org, page), page, view), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "get",
      path: "/v1/sellers/{id}",
      summary: "Get a seller",
      tags: ["sellers"],
      ...reads("sellers.get"),
      request: { params: idParam("seller") },
      responses: { 200: json("The seller.", seller), ...problems },
    }),
    async (c) => {
      const found = await findSeller(c.var.org, idOf("seller", c.req.valid("param").id));
      if (found === null) throw notFound("seller");
      return c.json(view(found), 200);
    },
  );

  app.openapi(
    createRoute({
      method: "patch",
      path: "/v1/sellers/{id}",
      summary: "Change a seller",
      tags: ["sellers"],
      ...changes("sellers.update"),
      request: { params: idParam("seller"), body: jsonBody(changedSeller) },
      responses: { 200: json("The seller.", seller), ...problems },
    }),
    async (c) => {
      const body = c.req.valid("json");
      const updated = await updateSeller(c.var.org, idOf("seller", c.req.valid("param").id), {
        ...(body.registered_name === undefined ? {} : { registeredName: body.registered_name }),
        ...(body.trade_names === undefined ? {} : { tradeNames: body.trade_names }),
        ...(body.address === undefined ? {} : { address: body.address }),
        ...(body.do_not_call_number === undefined ? {} : { doNotCallNumber: body.do_not_call_number }),
        ...(body.san === undefined ? {} : { san: body.san }),
        ...(body.san_area_codes === undefined ? {} : { sanAreaCodes: body.san_area_codes }),
      });
      if (updated === null) throw notFound("seller");
      return c.json(view(updated), 200);
    },
  );
}
