/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "daemon/unjudged.h"

#include "base/moment.h"

static bool has_grown(const struct unjudged_counts *before, const struct unjudged_counts *now)
{
	return now->queue_full > before->queue_full || now->buffer_full > before->buffer_full;
}

static struct unjudged_counts grown_by(const struct unjudged_counts *before,
				       const struct unjudged_counts *now)
{
	return (struct unjudged_counts){now->queue_full - before->queue_full,
					now->buffer_full - before->buffer_full};
}

bool unjudged_end(struct unjudged *unjudged, struct unjudged_period *ret)
{
	struct unjudged_counts *sum = &unjudged->sums[unjudged->period.open];

	if (!unjudged->running)
		return false;
	unjudged->running = false;
	unjudged->period.over = true;
	sum->queue_full += unjudged->period.counts.queue_full;
	sum->buffer_full += unjudged->period.counts.buffer_full;
	*ret = unjudged->period;
	return true;
}

static bool begin(struct unjudged *unjudged, const struct unjudged_sample *sample,
		  struct unjudged_period *ret)
{
	unjudged->running = true;
	unjudged->before = unjudged->last;
	unjudged->last = sample->counts;
	unjudged->seen_ns = sample->steady_ns;
	unjudged->begun[sample->open]++;
	unjudged->period = (struct unjudged_period){
		.open = sample->open,
		.first_ns = sample->wall_ns,
		.last_ns = sample->wall_ns,
		.counts = grown_by(&unjudged->before, &sample->counts),
	};
	*ret = unjudged->period;
	return true;
}

bool unjudged_take(struct unjudged *unjudged, const struct unjudged_sample *sample,
		   struct unjudged_period *ret)
{
	bool news = has_grown(&unjudged->last, &sample->counts) || sample->full;

	if (!unjudged->running)
		return news && begin(unjudged, sample, ret);
	/* What grew before the mode was changed is not known apart from what grew since. */
	if (unjudged->period.open != sample->open)
		return unjudged_end(unjudged, ret);
	if (news) {
		unjudged->last = sample->counts;
		unjudged->seen_ns = sample->steady_ns;
		unjudged->period.last_ns = sample->wall_ns;
		unjudged->period.counts = grown_by(&unjudged->before, &sample->counts);
		return false;
	}
	if (sample->steady_ns - unjudged->seen_ns < UNJUDGED_QUIET_S * NSEC_PER_SEC)
		return false;
	return unjudged_end(unjudged, ret);
}
