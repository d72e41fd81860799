/**
 * A mail server, as far as the bytes go (RFC 5321): it greets first, answers command by command, and
 * takes a message up to a line with a dot alone, which it answers with the message's digest.
 */
import { createHash } from 'node:crypto';
import { type PeerLink, PeerServer } from './scripted-peer.ts';

const MESSAGE_LINE_BYTES_MAX = 1_000_000;

/** Where a session is: commands are words, or lines of a message. */
export async function serveMail(link: PeerLink): Promise<void> {
  await link.send('220 mail.test ESMTP ready\r\n');
  for (;;) {
    const command = (await link.takeLine()).toString('latin1').trimEnd();
    const [word = ''] = command.toUpperCase().split(' ');
    switch (word) {
      case 'EHLO':
        await link.send('250-mail.test\r\n250-PIPELINING\r\n250 8BITMIME\r\n');
        break;
      case 'MAIL':
      case 'RCPT':
        await link.send('250 ok\r\n');
        break;
      case 'DATA':
        await link.send('354 end with a dot\r\n');
        await link.send(`250 ${await takeMessage(link)}\r\n`);
        break;
      case 'QUIT':
        await link.send('221 bye\r\n');
        link.halfClose();
        return;
      default:
        await link.send('500 what?\r\n');
    }
  }
}

async function takeMessage(link: PeerLink): Promise<string> {
  const hash = createHash('sha256');
  for (;;) {
    const line = await link.takeLine(MESSAGE_LINE_BYTES_MAX);
    if (line.equals(END_OF_MESSAGE)) return hash.digest('hex');
    hash.update(line);
  }
}

const END_OF_MESSAGE = Buffer.from('.\r\n');

/** Listens on 127.0.0.1. */
export const listenMail = (): Promise<PeerServer> =>
  PeerServer.listen(serveMail, { record: false });
