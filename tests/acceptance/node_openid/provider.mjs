// A certified OpenID provider (npm oidc-provider) with one client and two accounts, for the tests.
// node provider.mjs PORT RETURN_URL METHOD; METHOD: client_secret_basic, client_secret_post or none.
import { Provider } from "oidc-provider";

const [port, returnUrl, method] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const groups = { ruth: ["HL7-Support", "Everybody"], paul: ["Everybody"] };
const client = {
  client_id: "engine",
  redirect_uris: [returnUrl],
  grant_types: ["authorization_code"],
  response_types: ["code"],
  token_endpoint_auth_method: method,
};
if (method !== "none") client.client_secret = "a secret / of the tests";

const provider = new Provider(issuer, {
  clients: [client],
  claims: { openid: ["sub"], profile: ["preferred_username", "groups"] },
  pkce: { required: () => true },
  findAccount: (_context, id) => ({
    accountId: id,
    claims: () => ({ sub: id, preferred_username: `${id}@Example.org`, groups: groups[id] || [] }),
  }),
});
provider.listen(Number(port), "127.0.0.1", () => console.log("ready"));
