import assert from 'node:assert/strict';
import { test } from 'node:test';
import { etcFiles } from './pod-files.ts';

const POD = { name: 'bot-1', namespace: 'demo', address: '10.199.0.8' };

test('names are looked for in the namespace of the pod first', () => {
  assert.equal(
    etcFiles(POD, '10.199.0.1', '')['resolv.conf'],
    'nameserver 10.199.0.1\nsearch demo.svc.cluster.local svc.cluster.local cluster.local\noptions ndots:5\n',
  );
});

test('pod knows itself and loopback without asking', () => {
  assert.equal(
    etcFiles(POD, '10.199.0.1', '')['hosts'],
    '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n10.199.0.8 bot-1\n',
  );
});

test('hosts come from files and DNS alone, whatever else the machine asks', () => {
  const machine = 'passwd: files systemd\nhosts:  files resolve [!UNAVAIL=return] dns\nrpc: db\n';
  assert.equal(
    etcFiles(POD, '10.199.0.1', machine)['nsswitch.conf'],
    'passwd: files systemd\nrpc: db\nhosts: files dns\n',
  );
  assert.equal(etcFiles(POD, '10.199.0.1', '')['nsswitch.conf'], 'hosts: files dns\n');
});
