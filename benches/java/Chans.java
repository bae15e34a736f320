// Queues of java.util.concurrent: SynchronousQueue hands over, ArrayBlockingQueue has slots. An element is a Long.
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.atomic.AtomicLong;

final class Chans {
  private Chans() {}

  private static BlockingQueue<Long> queue(int slots) {
    return slots == 0 ? new SynchronousQueue<>() : new ArrayBlockingQueue<>(slots);
  }

  private static double roundTrips(long n, int slots) throws Exception {
    BlockingQueue<Long> there = queue(slots), back = queue(slots);
    double[] took = new double[1];
    Thread pong = Bench.go(() -> {
      for (long i = 0; i < n; i++) back.put(there.take());
    });
    Thread ping = Bench.go(() -> {
      long t0 = System.nanoTime();
      for (long i = 0; i < n; i++) {
        there.put(i);
        if (back.take() != i) Bench.fail("another element came back");
      }
      took[0] = Bench.since(t0);
    });
    pong.join();
    ping.join();
    return took[0] / n;
  }

  static void pingpong(long n) throws Exception {
    double handOver = Bench.warm(2, n / 2, m -> roundTrips(m, 0));
    double oneSlot = Bench.warm(2, n / 2, m -> roundTrips(m, 1));
    Bench.out(Bench.name, Math.min(handOver, oneSlot), "ns");
    Bench.out(Bench.name + "_0", handOver, "ns");
    Bench.out(Bench.name + "_1", oneSlot, "ns");
  }

  // chan_1_1, chan_n_1, chan_n_m: these queues aren't closed, so each receiver takes its share.
  static double shared(long asked, int senders, int receivers) throws Exception {
    long n = asked / 64 * 64;
    BlockingQueue<Long> queue = queue(64);
    AtomicLong sum = new AtomicLong();
    Thread[] all = new Thread[senders + receivers];
    long t0 = System.nanoTime();
    for (int i = 0; i < senders; i++) {
      long from = i * (n / senders), to = from + n / senders;
      all[i] = Bench.go(() -> {
        for (long v = from; v < to; v++) queue.put(v);
      });
    }
    for (int i = 0; i < receivers; i++)
      all[senders + i] = Bench.go(() -> {
        long mine = 0;
        for (long k = 0; k < n / receivers; k++) mine += queue.take();
        sum.addAndGet(mine);
      });
    Bench.joinAll(all);
    double took = Bench.since(t0);
    if (sum.get() != n * (n - 1) / 2 || !queue.isEmpty()) Bench.fail("wrong sum");
    return took / n;
  }
}
