import assert from 'node:assert/strict';
import { it } from 'node:test';
import { parseCpu, parseQuantity } from '../../../engine/pipeline/quantity.ts';
import { workerLimits } from '../../../engine/pipeline/resources.ts';

const right: readonly (readonly [string, number])[] = [
  ['1Gi', 1_073_741_824],
  ['500M', 500_000_000],
  ['0.5', 0.5],
  ['128974848', 128_974_848],
  ['129e6', 129_000_000],
  ['64Ki', 65_536],
  ['1.5Gi', 1_610_612_736],
  ['2k', 2000],
  ['1GiB', 1_073_741_824],
  ['1GB', 1_000_000_000],
  ['1E', 1e18],
];
for (const [text, value] of right) {
  it(`parseQuantity() reads "${text}" as ${value}`, () => assert.equal(parseQuantity(text), value));
}
for (const text of [
  '',
  'Gi',
  '1gi',
  '1 Gi',
  '-1',
  '1KI',
  '1B',
  '1xB',
  '1e',
  '0x10',
  'NaN',
  '1e999',
]) {
  it(`parseQuantity() refuses "${text}"`, () => assert.equal(parseQuantity(text), undefined));
}

it('parseCpu() takes whole, broken and thousandth CPUs, and no bytes', () => {
  assert.deepEqual(['2', '0.5', '500m', '1Gi', '1k', '', '5e1'].map(parseCpu), [
    2,
    0.5,
    0.5,
    undefined,
    undefined,
    undefined,
    undefined,
  ]);
});

it('workerLimits() takes limits in numbers, and GPUs from requests too', () => {
  assert.deepEqual(workerLimits({}), {});
  assert.deepEqual(
    workerLimits({
      resource_limits: { cpu: 0.5, memory: '1.5Ki' },
      resource_requests: { cpu: 4, memory: '1Gi', gpu: { number: 2 } },
    }),
    { cpu: 0.5, memoryBytes: 1536, gpus: 2 },
  );
  assert.deepEqual(
    workerLimits({
      resource_limits: { gpu: { number: 0 } },
      resource_requests: { gpu: { number: 2 } },
    }),
    {},
  );
});
