#!/usr/bin/env node
import { launch } from '../../base/launch.mjs';

await launch('cli/main.ts', process.argv.slice(2));
