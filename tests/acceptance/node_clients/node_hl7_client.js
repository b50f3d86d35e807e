const { Client, Message } = require("node-hl7-client");
const port = Number(process.argv[2]), count = Number(process.argv[3]);
const client = new Client({ host: "127.0.0.1" });
const answers = [];
const connection = client.createConnection({ port }, async (response) => {
  const m = response.getMessage();
  answers.push([m.get("MSA.1").toString(), m.get("MSA.2").toString()]);
  if (answers.length === count) { console.log(JSON.stringify(answers)); await connection.close(); process.exit(0); }
  else send(answers.length);
});
function send(n) {
  const message = new Message({ text: "MSH|^~\\&|NODE|NORTH|HUB|ENGINE|20260101120000||ADT^A01|N" + n + "|P|2.5.1\rPID|1||P" + n + "^^^NORTH^MR||TEST^ONE" });
  connection.sendMessage(message);
}
connection.on("connect", () => send(0));
connection.on("error", (e) => { console.error(e.message); process.exit(1); });
