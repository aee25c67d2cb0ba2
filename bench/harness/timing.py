# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""Kernel times of several contenders, in interleaved rounds. Needs PyTorch.

Before every call the L2 cache is overwritten by filling a buffer far larger than
it, so operands come from memory, and the GPU is in the same state for everyone.
A round calls every contender in turn; the order rotates from round to round.

`cupti`: the profiler's records of device activity. On one stream, what lies
between two fills belongs to one call; its time is the sum over the call's
kernels, so that a reduction of a split-K product counts. `events`: CUDA events
around the call, while the GPU is kept busy ahead of it; they also hold the few
microseconds between the records.
"""


class TimingError(Exception):
    """The profiler's records do not add up; the message says how."""


def order_of(count, rounds):
    """[(round, contender)] in the order of execution: round r begins with
    contender r."""
    return [
        (turn, (turn + position) % count)
        for turn in range(rounds)
        for position in range(count)
    ]


def split_by_fills(records, calls, spare=0):
    """The kernels of each call, [[(name, start, nanoseconds)]], of the records
    of a stream in which fills each precede one call. The first `spare` calls
    are left out, and may be missing: a profiler can lose what it is started by.

    A record is (name, start, nanoseconds). Raises TimingError."""
    records = sorted(records, key=lambda record: record[1])
    filling = [r for r in records if "Memset" in r[0] or "FillFunctor" in r[0]]
    if not filling:
        raise TimingError("the profiler shows no fill")
    # Contenders may clear small workspaces; the flush is far longer, in
    # whole or in parts of one size.
    longest = max(record[2] for record in filling)
    groups = []
    for record in records:
        if record in filling and record[2] * 2 >= longest:
            # One fill can be several records: the driver clears in parts.
            if not groups or groups[-1]:
                groups.append([])
        elif groups:
            groups[-1].append(record)
    if not calls <= len(groups) <= calls + spare:
        raise TimingError(f"the profiler shows {len(groups)} of {calls} fills")
    groups = groups[len(groups) - calls :]
    empty = sum(not group for group in groups)
    if empty:
        raise TimingError(f"the profiler shows no kernel in {empty} calls")
    return groups


def names_of(groups, order):
    """[names of the kernels] of each contender. Raises TimingError if a
    contender's calls differ: then records went to the wrong call."""
    names = {}
    for group, which in zip(groups, order):
        found = [name for name, _, _ in group]
        if names.setdefault(which, found) != found:
            raise TimingError(
                f"one contender ran {', '.join(found)} and {', '.join(names[which])}"
            )
    return [names[which] for which in sorted(names)]


class Timer:
    """`method` is auto (cupti, and events if that fails), cupti or events."""

    def __init__(self, method="auto", flush_bytes=8 * 10**9):
        import torch

        self.method, self.warning = method, None
        free, _ = torch.cuda.mem_get_info()
        l2 = torch.cuda.get_device_properties(0).L2_cache_size
        if flush_bytes < 2 * l2:
            raise ValueError(f"a flush of {flush_bytes} bytes leaves L2 ({l2}) warm")
        self.flush_bytes = min(flush_bytes, max(2 * l2, free // 4)) // 4 * 4
        self.buffer = torch.empty(
            self.flush_bytes // 4, dtype=torch.int32, device="cuda"
        )
        if method != "events":
            self._cupti([lambda: None], [], 0)  # Initialises CUPTI.

    def measure(self, runs, rounds, calls):
        """(method, [[microseconds of each round] of each run], [kernel names]).
        A round's time is the mean of its calls."""
        order = order_of(len(runs), rounds)
        if self.method != "events":
            for attempt in range(2):
                try:
                    return ("cupti", *self._cupti(runs, order, calls))
                except TimingError as error:
                    self.warning = f"CUPTI: {error}"
            if self.method == "cupti":
                raise TimingError(self.warning)
        return ("events", *self._events(runs, order, calls))

    def _collect(self, runs, order, calls, durations, names):
        """Means over the calls of a round, by contender and round."""
        rounds = len(order) // len(runs)
        times = [[0.0] * rounds for _ in runs]
        for index, (turn, which) in enumerate(order):
            part = durations[index * calls : (index + 1) * calls]
            times[which][turn] = sum(part) / calls
        return times, names

    def _cupti(self, runs, order, calls):
        import torch
        from torch.autograd import DeviceType
        from torch.profiler import ProfilerActivity, profile

        torch.cuda.synchronize()
        with profile(activities=[ProfilerActivity.CUDA]) as profiler:
            for which in [0] + [w for _, w in order for _ in range(calls)]:
                self.buffer.zero_()
                runs[which]()
            torch.cuda.synchronize()
        if not order:
            return [], []
        records = [
            (event.name(), event.start_ns(), event.duration_ns())
            for event in profiler.profiler.kineto_results.events()
            if event.device_type() == DeviceType.CUDA
            and not event.is_user_annotation()
            and "Sync" not in event.name()
        ]
        groups = split_by_fills(records, len(order) * calls, spare=1)
        durations = [sum(r[2] for r in group) / 1000 for group in groups]
        names = names_of(groups, [w for _, w in order for _ in range(calls)])
        return self._collect(runs, order, calls, durations, names)

    def _events(self, runs, order, calls):
        import torch

        pairs = []
        for _, which in order:
            for _ in range(calls):
                self.buffer.zero_()
                start = torch.cuda.Event(enable_timing=True)
                end = torch.cuda.Event(enable_timing=True)
                # The host is ahead by the length of the fill.
                start.record()
                runs[which]()
                end.record()
                pairs.append((start, end))
        torch.cuda.synchronize()
        durations = [start.elapsed_time(end) * 1000 for start, end in pairs]
        return self._collect(runs, order, calls, durations, [[] for _ in runs])
