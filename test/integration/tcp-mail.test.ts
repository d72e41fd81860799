import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { it } from 'node:test';
import { listenMail } from '../support/mail-server.ts';
import { dial } from '../support/scripted-peer.ts';
import { TCP_WAYS, TcpPath } from '../support/tcp-ways.ts';

/** A line of all kinds of bytes but those that would end it, or the message. */
function lineOfMessage(): Buffer {
  const text = randomBytes(997).map((byte) => (byte === 10 || byte === 13 ? 46 : byte));
  return Buffer.concat([Buffer.from('>'), text, Buffer.from('\r\n')]);
}

for (const way of TCP_WAYS) {
  it(`mail server greets first and takes a message through ${way.name}`, async () => {
    await using server = await listenMail();
    await using path = await TcpPath.open(way, server.port);
    using link = await dial(path.address);
    const answer = async (): Promise<string> => (await link.takeLine()).toString().trimEnd();
    // Nothing was said yet: this is the server's own first word.
    assert.equal(await answer(), '220 mail.test ESMTP ready');
    await link.send('EHLO client.test\r\n');
    const offered = [await answer(), await answer(), await answer()];
    assert.deepEqual(offered, ['250-mail.test', '250-PIPELINING', '250 8BITMIME']);
    const message = Buffer.concat(Array.from({ length: 2_000 }, lineOfMessage));
    await link.send('MAIL FROM:<a@client.test>\r\nRCPT TO:<b@mail.test>\r\nDATA\r\n');
    assert.deepEqual([await answer(), await answer()], ['250 ok', '250 ok']);
    assert.equal(await answer(), '354 end with a dot');
    await link.send(message);
    await link.send('.\r\n');
    const digest = createHash('sha256').update(message).digest('hex');
    assert.equal(await answer(), `250 ${digest}`);
    await link.send('QUIT\r\n');
    assert.equal(await answer(), '221 bye');
    assert.equal(await link.takeSome(), undefined, 'and the end');
    assert.equal(link.wasReset, false);
    link.halfClose();
    assert.deepEqual(server.failures, []);
  });
}
