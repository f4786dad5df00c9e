// What all examples speak of: the values of paths that they share, and one spec. The tests make a store that has these.

/** By the names that paths give them. */
export const EXAMPLE_PARAMS: Readonly<Record<string, string>> = {
  project: 'default',
  repo: 'images',
  branch: 'master',
  ref: 'master',
  tag: 'v1',
  pipeline: 'edges',
  name: 'db',
  user: 'ann',
  // Ids are given by the engine; these stand for those of the newest commit set and a datum of its job.
  id: '01996e5f0a4c7d31b8e24f6a90c3d517',
  datum: '5d9a3c',
};

export const EXAMPLE_SPEC = `pipeline: { name: sizes }
input: { pfs: { repo: images, glob: "/*" } }
transform:
  image: busybox
  cmd: [sh, -c, "wc -c /pfs/images/* > /pfs/out/sizes.txt"]
`;
