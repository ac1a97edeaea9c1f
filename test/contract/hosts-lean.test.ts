import { serveLean } from '#shared/runtime/hosts/lean.ts';
import { hostContract } from './hosts.ts';

hostContract('lean', serveLean);
