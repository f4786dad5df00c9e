// The operations of docs/format.md, §5, on tables that are maps. Follows the document and shares no code with the engine.

/** Folds an operation of an entry into the tables. */
export function fold(table, o, { seq, time }) {
  const change = (name, key, fields) =>
    table(name).set(key, { ...table(name).get(key), ...fields });
  const reshape = (repo) =>
    change('repos', repo, { reshaped: (table('repos').get(repo)?.reshaped ?? 0) + 1 });
  const of = (name, repo) => [...table(name)].filter(([, record]) => record.repo === repo);
  const key = `${o.repo}@${o.commit ?? o.branch ?? o.tag}`;
  const job = `${o.pipeline}@${o.job}`;
  const count = (before, after) => {
    const pipeline = table('pipelines').get(o.pipeline ?? o.job.pipeline);
    if (pipeline && before !== after) {
      const jobs = { ...pipeline.jobs };
      for (const [state, by] of [
        [before, -1],
        [after, 1],
      ]) {
        if (state) {
          jobs[state] = (jobs[state] ?? 0) + by;
        }
      }
      change('pipelines', pipeline.key, { jobs });
    }
  };
  const dropGrants = (scope, repoId) => {
    const dropped = [...table('grants')].filter(
      ([, grant]) => grant.scope === scope && (grant.repoId ?? null) === repoId,
    );
    for (const [id] of dropped) {
      table('grants').delete(id);
    }
  };
  switch (o.kind) {
    case 'repo.created':
      table('repos').set(o.repo.key, o.repo);
      return;
    case 'repo.described':
      change('repos', o.repo, { description: o.description });
      return;
    case 'repo.retention':
      change('repos', o.repo, { keep: o.keep ?? undefined });
      return;
    case 'repo.deleted': {
      const repo = table('repos').get(o.repo);
      const branches = of('branches', o.repo);
      const tags = of('tags', o.repo);
      for (const [id, commit] of of('commits', o.repo)) {
        table('commits').delete(id);
        if (repo.kind === 'user' && (commit.finished !== null || commit.origin === 'user')) {
          table('buried').set(`${repo.id}/${commit.id}`, commit);
        }
      }
      for (const [id] of branches) {
        table('branches').delete(id);
      }
      for (const [id] of tags) {
        table('tags').delete(id);
      }
      table('repos').delete(o.repo);
      if (repo.kind === 'user') {
        const inside = { branches: branches.map(([, b]) => b), tags: tags.map(([, t]) => t) };
        table('trash').set(`repo/${repo.id}`, {
          kind: 'repo',
          repo,
          ...inside,
          removed: seq,
          time,
        });
      }
      return;
    }
    case 'branch.put':
      table('branches').set(`${o.branch.repo}@${o.branch.name}`, o.branch);
      return;
    case 'branch.moved':
      change('branches', key, { head: o.head });
      return;
    case 'branch.deleted':
      table('branches').delete(key);
      return;
    case 'commit.started':
      table('commits').set(`${o.commit.repo}@${o.commit.id}`, o.commit);
      if (o.commit.merged) {
        reshape(o.commit.repo);
      }
      return;
    case 'commit.edited':
      change('commits', key, { edits: [...table('commits').get(key).edits, ...o.edits] });
      return;
    case 'commit.finished': {
      const { tree, git, size, files, error } = o;
      const before = table('commits').get(key);
      const description = o.description ?? before.description;
      const image = o.image ?? before.image;
      change('commits', key, {
        finished: o.time,
        tree,
        git,
        size,
        files,
        error,
        description,
        image,
        edits: [],
      });
      return;
    }
    case 'commit.recalled':
    case 'commit.rewritten':
      table('commits').set(`${o.commit.repo}@${o.commit.id}`, o.commit);
      return;
    case 'commit.removed': {
      const repo = table('repos').get(o.repo);
      table('commits').delete(key);
      table('forgotten').set(`commit/${repo.id}/${o.commit}`, true);
      table('forgotten').set(`set/${o.commit}/${repo.id}`, true);
      reshape(o.repo);
      return;
    }
    case 'egress.noted':
      table('egress').set(o.egress.pipelineId, o.egress);
      return;
    case 'defaults.put':
      table('defaults').set(o.defaults.scope, o.defaults);
      return;
    case 'defaults.deleted':
      table('defaults').delete(o.scope);
      return;
    case 'secret.put':
      table('secrets').set(o.secret.name, o.secret);
      return;
    case 'secret.deleted':
      table('secrets').delete(o.secret);
      dropGrants(`secret/${o.secret}`, null);
      return;
    case 'trash.emptied':
      for (const key of o.keys) {
        const { kind, repo } = table('trash').get(key) ?? {};
        table('trash').delete(key);
        if (kind === 'repo') {
          dropGrants(`repo/${repo.key}`, repo.id);
          for (const [id] of [...table('buried')].filter(([id]) => id.startsWith(`${repo.id}/`))) {
            table('buried').delete(id);
          }
          for (const [id, pack] of table('packs')) {
            table('packs').set(id, { ...pack, repos: pack.repos.filter((one) => one !== repo.id) });
          }
        }
      }
      return;
    case 'user.put':
      table('users').set(o.user.name, o.user);
      return;
    case 'user.deleted':
      table('users').delete(o.user);
      for (const name of ['tokens', 'grants']) {
        for (const [id] of [...table(name)].filter(([, one]) => one.user === o.user)) {
          table(name).delete(id);
        }
      }
      return;
    case 'token.put':
      for (const [id, { expires, revoked }] of [...table('tokens')].filter(
        ([, one]) => one.user === o.token.user,
      )) {
        if ((revoked ?? expires ?? Infinity) < o.token.created - 30 * 24 * 3_600_000) {
          table('tokens').delete(id);
        }
      }
      table('tokens').set(o.token.id, o.token);
      return;
    case 'token.revoked':
      if (table('tokens').get(o.token)?.revoked === null) {
        change('tokens', o.token, { revoked: o.time, sealed: null });
      }
      return;
    case 'role.put':
      table('grants').set(`${o.grant.user} ${o.grant.scope}`, o.grant);
      return;
    case 'role.deleted':
      table('grants').delete(`${o.user} ${o.scope}`);
      return;
    case 'tag.put':
      table('tags').set(`${o.tag.repo}@${o.tag.name}`, o.tag);
      return;
    case 'tag.deleted':
      table('tags').delete(key);
      return;
    case 'packs.added':
      for (const pack of o.added) {
        table('packs').set(pack.id, pack);
      }
      return;
    case 'packs.compacted':
    case 'packs.collected':
      for (const id of o.removed) {
        table('removed-packs').set(id, table('packs').get(id));
        table('packs').delete(id);
      }
      for (const pack of o.added) {
        table('packs').set(pack.id, pack);
      }
      return;
    case 'pipeline.put':
      table('pipelines').set(o.pipeline.key, o.pipeline);
      return;
    case 'pipeline.state':
      change('pipelines', o.pipeline, { state: o.state, reason: o.reason });
      return;
    case 'pipeline.pinned':
      change('pipelines', o.pipeline, { image: o.image });
      return;
    case 'pipeline.pulled': {
      const gits = table('pipelines').get(o.pipeline).gits ?? [];
      const { taken, takenTime } = o;
      change('pipelines', o.pipeline, {
        gits: gits.map((git) => (git.input === o.input ? { ...git, taken, takenTime } : git)),
      });
      return;
    }
    case 'job.created':
      table('jobs').set(`${o.job.pipeline}@${o.job.id}`, o.job);
      count(undefined, o.job.state);
      return;
    case 'job.claimed': {
      const { state: before, started } = table('jobs').get(job);
      const state = before === 'created' ? (o.state ?? before) : before;
      count(before, state);
      change('jobs', job, { state, owner: o.owner, started: started ?? o.time });
      return;
    }
    case 'job.progressed': {
      count(table('jobs').get(job).state, o.state);
      const { state, datums, stats, results, image } = o;
      change('jobs', job, { state, datums, stats, results, image });
      return;
    }
    case 'job.finished': {
      const before = table('jobs').get(job);
      count(before.state, o.state);
      const { datums = before.datums, stats = before.stats, results = before.results } = o;
      change('jobs', job, {
        state: o.state,
        reason: o.reason,
        finished: o.time,
        owner: null,
        datums,
        stats,
        results,
      });
      return;
    }
    default:
      throw new Error(`this reader does not know operations of kind ${o.kind}`);
  }
}
