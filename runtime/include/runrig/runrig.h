/* SPDX-License-Identifier: MIT */
/*
 * runrig.h - the whole public interface.
 */
#ifndef RUNRIG_RUNRIG_H
#define RUNRIG_RUNRIG_H

#include <runrig/api.h>
#include <runrig/barrier.h>
#include <runrig/cart.h>
#include <runrig/collective.h>
#include <runrig/dtype.h>
#include <runrig/error.h>
#include <runrig/gateway.h>
#include <runrig/heap.h>
#include <runrig/join.h>
#include <runrig/kernel.h>
#include <runrig/launch.h>
#include <runrig/list.h>
#include <runrig/manager.h>
#include <runrig/map.h>
#include <runrig/message.h>
#include <runrig/nonblocking.h>
#include <runrig/place.h>
#include <runrig/pool.h>
#include <runrig/queue.h>
#include <runrig/report.h>
#include <runrig/segment.h>
#include <runrig/share.h>
#include <runrig/sum.h>
#include <runrig/sweep.h>
#include <runrig/symmetric.h>
#include <runrig/team.h>
#include <runrig/trace.h>

#endif
