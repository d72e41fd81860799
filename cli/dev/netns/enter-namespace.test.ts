import assert from 'node:assert/strict';
import { test } from 'node:test';
import { enterAsApplication, enterAsSidecar, trialCommand } from './enter-namespace.ts';

const program = {
  argv: ['/root/culvert/node', '/root/culvert/base/launch.mjs', '--admin', '/root/culverts'],
  directory: '/root/culvert',
  environment: { PATH: '/bin', NODE_COMPILE_CACHE: '/root/culvert/node_modules/.cache/culvert' },
};

test('application enters as who started dev, or as the user that the manifest names', () => {
  const enter = (uid: number | undefined): string =>
    enterAsApplication({ ...program, argv: ['node', 'a b'] }, 'culvert-web-1', uid).argv.join('|');
  assert.equal(enter(undefined), 'ip|netns|exec|culvert-web-1|node|a b');
  assert.equal(
    enter(1_000),
    'ip|netns|exec|culvert-web-1|setpriv|--reuid=1000|--regid=1000|--clear-groups|--no-new-privs|node|a b',
  );
});

test('sidecar enters as 2102 and sees the checkout where everybody may look', () => {
  const { argv, environment } = enterAsSidecar(program, 'culvert-web-1', '/root/culvert/');
  assert.deepEqual(argv.slice(0, 6), ['ip', 'netns', 'exec', 'culvert-web-1', 'sh', '-c']);
  assert.deepEqual(argv.slice(7), [
    ...['sh', '/root/culvert', '/run/culvert-netns/checkout'],
    ...['setpriv', '--reuid=2102', '--regid=2102', '--clear-groups', '--no-new-privs'],
    '/run/culvert-netns/checkout/node',
    '/run/culvert-netns/checkout/base/launch.mjs',
    '--admin',
    '/root/culverts',
  ]);
  assert.equal(
    environment['NODE_COMPILE_CACHE'],
    '/run/culvert-netns/checkout/node_modules/.cache/culvert',
  );
});

test('trial runs the sidecar as its user, in mounts of its own', () => {
  const argv = trialCommand(['/usr/bin/node', '--flag'], '/root/culvert');
  assert.deepEqual(argv.slice(0, 3), ['unshare', '--mount', 'sh']);
  assert.deepEqual(argv.slice(-5), [
    '/usr/bin/node',
    '--flag',
    '/run/culvert-netns/checkout/base/launch.mjs',
    'proxy/main.ts',
    '--help',
  ]);
  assert.ok(argv.includes('--reuid=2102'));
});
