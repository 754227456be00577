/*
 * A channel between processes: senders, receivers, the packet queue in the kernel, the side stream of a long
 * message, and the death of any process between any two of its steps. README.md says what this leaves out, and
 * how it is run. What one system call does is one step; so is what a process does between two of them.
 *
 * With one of these defined it is the model of something else, which must not pass:
 *   PEEK_THEN_READ  a receiver looks at a packet first and takes it in a second call
 *   RESOLVE_EARLY   a send resolves before the kernel has the message
 *   END_UNDRAINED   a receiver says "the end" once all senders are gone, whatever is queued
 *   END_IS_WHOLE    the end of a side stream is taken for the end of its message
 *   KEEP_READER     a sender keeps its own copy of a side stream's reading end
 */

#define SENDERS 2
#define RECEIVERS 2
#define QUEUE 2  /* packets that the socket's buffer holds */
#define PIECES 2 /* writes that the long message takes */
#define ROOM 1   /* of them that a side stream's buffer holds */

/*
 * Two cases, as together they have more states than memory: with SHORT_ONLY both senders send two short messages,
 * perhaps in one packet; else sender 0 sends a long message and a short one, and sender 1 a short one.
 */
#define MOST 2
#ifdef SHORT_ONLY
#define MESSAGES(sender) MOST
#define IS_LONG(sender, number) false
#else
#define MESSAGES(sender) ((sender) == 0 -> MOST : 1)
#define IS_LONG(sender, number) ((sender) == 0 && (number) == LONG)
#endif
#define LONG 0
#define HEADER_ONLY 0 /* as a packet's count: its message comes over the side stream */
#define AT(sender, number) ((sender) * MOST + (number))
#define ALL (SENDERS * MOST)

/* The kernel's. */
chan queue = [QUEUE] of { byte, byte, byte } /* from, first, count */
byte senders = SENDERS     /* open sending ends */
byte receivers = RECEIVERS /* open receiving ends */
byte readers = 0           /* open copies of the side stream's reading end, those in flight too */
bool writer = false        /* whether its writing end is open */
byte written = 0           /* pieces */
byte taken = 0

/* What has become of each send, and of each message. */
#define PENDING 0
#define RESOLVED 1
#define REJECTED 2
byte send[ALL]
#define NOBODY 0
#define IN_HAND 1  /* a receiver that lives has read it, and not yet handed it to the caller of recv */
#define RECEIVED 2
#define LOST 3     /* its receiver died, or it was queued when the last one did */
byte has[ALL]

bool kills = true /* until Peace: then whoever still waits must get on without */
byte finished = 0

byte i /* for loops within a step */

/* close(2) of a receiving end: with the last one the kernel drops the queue, and the descriptors in it. */
inline close_receiving() {
  d_step {
    receivers--;
    do
    :: receivers == 0 && len(queue) > 0 ->
       queue?from, first, count;
       if
       :: count == HEADER_ONLY -> readers--; has[AT(from, first)] = LOST
       :: else -> for (i : 0 .. count - 1) { has[AT(from, first + i)] = LOST }
       fi
    :: else -> break
    od;
    from = 0; first = 0; count = 0; i = 0
  }
}

/* What a sender has of the side stream. */
#define NONE 0
#define MADE 1      /* both ends */
#define ANNOUNCED 2 /* the kernel has the header, or nobody can receive; both ends are still open here */
#define BESIDE 3    /* the writing end; the payload goes beside what comes next */
#define SETTLED 4
#ifdef KEEP_READER
#define HAS_READER (side != NONE)
#else
#define HAS_READER (side == MADE || side == ANNOUNCED)
#endif

inline close_side() {
  d_step {
    if
    :: HAS_READER -> readers--
    :: else
    fi;
    writer = writer && side == NONE;
    side = NONE
  }
}

/*
 * lib/transmitter.ts: hands over a packet, and then settles what was in it; and lib/side-writer.ts, which writes a
 * long message's payload beside that, a piece whenever there is room.
 */
proctype Sender(byte me) {
  byte next = 0;
  byte count = 0;
  byte side = NONE;
  bool gone = false; /* ERR_WORMHOLE_DISCONNECTED: it sends no more */
  do
#ifdef RESOLVE_EARLY
  :: d_step { next < MESSAGES(me) && !gone && send[AT(me, next)] == PENDING -> send[AT(me, next)] = RESOLVED }
#endif
  /* Flight.together and sendmsg: waits on EAGAIN; EPIPE once nobody can receive. */
  :: atomic {
       next < MESSAGES(me) && !gone && !IS_LONG(me, next) && side != ANNOUNCED && (len(queue) < QUEUE || receivers == 0) ->
       if
       :: count = 1
       :: next + 1 < MESSAGES(me) && !IS_LONG(me, next + 1) -> count = 2
       fi;
       if
       :: receivers == 0 -> gone = true
       :: else -> queue!me, next, count
       fi
     };
     if
     /* Transmitter.#complete, or fail. */
     :: d_step {
          for (i : 0 .. count - 1) { send[AT(me, next + i)] = (gone -> REJECTED : RESOLVED) };
          next = next + count; count = 0; i = 0
        }
     :: kills -> goto died
     fi
  /* Flight.aside: what the side stream takes at once is there before the header. */
  :: atomic {
       next < MESSAGES(me) && !gone && IS_LONG(me, next) && side == NONE ->
       writer = true; readers = 1; side = MADE;
       if
       :: written++
       :: skip
       fi
     }
  /* sendmsg of the header, with the reading end in flight. */
  :: d_step {
       side == MADE && (len(queue) < QUEUE || receivers == 0) ->
       if
       :: receivers == 0 -> gone = true; send[AT(me, LONG)] = REJECTED
       :: else -> queue!me, next, HEADER_ONLY; readers++
       fi;
       next++; side = ANNOUNCED
     }
  /* SideWriter.start: closes its own copy of the reading end. What comes next does not wait for the payload. */
  :: d_step {
       side == ANNOUNCED ->
#ifndef KEEP_READER
       readers--;
#endif
       side = (gone -> SETTLED : BESIDE)
     }
  :: d_step { side == BESIDE && written < PIECES && written - taken < ROOM && readers > 0 -> written++ }
  :: d_step { side == BESIDE && written == PIECES -> send[AT(me, LONG)] = RESOLVED; side = SETTLED }
  /* EPIPE: its receiver died. */
  :: d_step { side == BESIDE && written < PIECES && readers == 0 -> send[AT(me, LONG)] = REJECTED; side = SETTLED }
  :: d_step { side == SETTLED && writer -> writer = false }
  /* close(): once all that was sent is settled. */
  :: d_step {
       (next == MESSAGES(me) || gone) && (side == NONE || (side == SETTLED && !writer)) ->
       for (i : 0 .. next - 1) { assert(send[AT(me, i)] != PENDING) };
       i = 0
     };
     break
  :: kills -> break
  od;
died:
  /* Of a process that ends or dies the kernel closes one descriptor after the other, in any order. */
  if
  :: close_side(); senders--
  :: senders--; close_side()
  fi;
  d_step { finished++; next = 0; count = 0; gone = false }
}

/* The caller of recv gets a message. */
inline hand_over() {
  assert(has[AT(from, first)] == IN_HAND); /* no duplicate */
  assert(!had_last[from]);                 /* in its sender's order: nothing comes behind the last */
  has[AT(from, first)] = RECEIVED;
  had_last[from] = (first == MOST - 1)
}

/* Nothing is left of the packet. */
inline put_down() {
  holds = false; from = 0; first = 0; count = 0
}

/* lib/packet-source.ts, lib/side-reader.ts: one packet when somebody waits, and nothing ahead. */
proctype Receiver(byte me) {
  byte from = 0;
  byte first = 0;
  byte count = 0;
  bool peeked = false;
  bool holds = false;  /* messages of a packet */
  bool reader = false; /* the side stream of one */
  bool had_last[SENDERS];
  do
  /* recvmsg */
#ifdef PEEK_THEN_READ
  :: d_step { !holds && !peeked && len(queue) > 0 -> queue?<from, first, count>; peeked = true }
  :: d_step {
       peeked && len(queue) > 0 -> queue?_, _, _; peeked = false;
#else
  :: d_step {
       !holds && len(queue) > 0 -> queue?from, first, count;
#endif
       holds = true;
       reader = (count == HEADER_ONLY);
       if
       :: reader -> has[AT(from, first)] = IN_HAND
       :: else -> for (i : 0 .. count - 1) { has[AT(from, first + i)] = IN_HAND }
       fi;
       i = 0
     }
  :: d_step {
       holds && count > 0 -> hand_over();
       first++; count--;
       if
       :: count == 0 -> put_down()
       :: else
       fi
     }
  /* The payload of a long message, before the next packet. */
  :: d_step { reader && taken < written -> taken++ }
#ifdef END_IS_WHOLE
  :: d_step { reader && (taken == PIECES || (taken == written && !writer)) -> readers--; reader = false }
#else
  :: d_step { reader && taken == PIECES -> readers--; reader = false }
#endif
  :: d_step {
       holds && count == HEADER_ONLY && !reader ->
       assert(taken == PIECES); /* not torn */
       hand_over();
       put_down()
     }
  /* ERR_WORMHOLE_TRUNCATED: its sender died half-way. */
  :: d_step {
       reader && taken < PIECES && taken == written && !writer ->
       assert(send[AT(from, first)] != RESOLVED);
       has[AT(from, first)] = NOBODY;
       readers--; reader = false;
       put_down()
     }
  /* recvmsg returns 0, and atEnd() of lib/socket.ts says why: all that was sent is with somebody. */
#ifdef END_UNDRAINED
  :: d_step {
       !holds && senders == 0 ->
#else
  :: d_step {
       !holds && senders == 0 && len(queue) == 0 ->
#endif
       for (i : 0 .. ALL - 1) { assert(send[i] != RESOLVED || has[i] != NOBODY) };
       i = 0
     };
     break
  :: kills -> break
  od;
  /* Dead, perhaps with a packet in its hands. */
  atomic {
    if
    :: holds && count == HEADER_ONLY -> has[AT(from, first)] = LOST
    :: holds && count > 0 -> for (i : 0 .. count - 1) { has[AT(from, first + i)] = LOST }
    :: else
    fi;
    for (i : 0 .. SENDERS - 1) { had_last[i] = false };
    i = 0; peeked = false;
    put_down()
  };
  /* Its descriptors close one after the other, in either order. */
  if
  :: reader -> close_receiving(); d_step { readers--; reader = false }
  :: d_step { readers = readers - reader; reader = false }; close_receiving()
  fi;
  finished++
}

/* From some moment on nobody is killed any more. A deadlock is only seen then: a death would resolve it. */
proctype Peace() {
  kills = false
}

init {
  atomic {
    for (i : 0 .. SENDERS - 1) { run Sender(i) };
    for (i : 0 .. RECEIVERS - 1) { run Receiver(i) };
    run Peace();
    i = 0
  };
  d_step {
    finished == SENDERS + RECEIVERS;
    for (i : 0 .. ALL - 1) {
      /* A send that resolved: received, or with a receiver that died. Twice is asserted above. */
      assert(send[i] != RESOLVED || has[i] == RECEIVED || has[i] == LOST);
      assert(send[i] != REJECTED || has[i] != RECEIVED);
      assert(has[i] != IN_HAND)
    };
    assert(senders == 0 && receivers == 0 && readers == 0 && !writer) /* no descriptor left over */
  }
}
