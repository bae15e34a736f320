// Keep-alive server on blocking channels, a virtual thread a connection.
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.StandardProtocolFamily;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.charset.StandardCharsets;

final class Http {
  private static final byte[] ANSWER =
      ("HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n\r\nHello, World!")
          .getBytes(StandardCharsets.US_ASCII);

  private Http() {}

  // Direct buffers: with others each read and write copies.
  private static void connection(SocketChannel c) {
    ByteBuffer in = ByteBuffer.allocateDirect(4096), answer = ByteBuffer.allocateDirect(ANSWER.length);
    answer.put(ANSWER);
    byte[] bytes = new byte[4096];
    int state = 0;
    try (c) {
      for (;;) {
        in.clear();
        int n = c.read(in);
        if (n < 0) return;
        in.flip();
        in.get(bytes, 0, n);
        int heads = 0;
        for (int i = 0; i < n; i++) {
          byte b = bytes[i];
          if (b == '\r') {
            state = state == 2 ? 3 : 1;
          } else if (b == '\n') {
            if (state == 3) heads++;
            state = state == 1 ? 2 : 0;
          } else {
            state = 0;
          }
        }
        for (; heads > 0; heads--) {
          answer.clear();
          while (answer.hasRemaining()) c.write(answer);
        }
      }
    } catch (IOException e) {
      // The client is gone.
    }
  }

  static void serve(int port) throws IOException {
    ServerSocketChannel listener = ServerSocketChannel.open(StandardProtocolFamily.INET);
    listener.setOption(StandardSocketOptions.SO_REUSEPORT, true);
    listener.bind(new InetSocketAddress(InetAddress.getByAddress(new byte[] {127, 0, 0, 1}), port), 1024);
    for (;;) {
      SocketChannel c = listener.accept();
      c.setOption(StandardSocketOptions.TCP_NODELAY, true);
      Bench.go(() -> connection(c));
    }
  }
}
