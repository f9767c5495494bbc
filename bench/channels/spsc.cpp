// The ring of the bench in C++: one sender, one receiver. Arguments: bytes of a message, messages, batch.
// Prints the time, ms. It does what the bench does: writes and reads the first and the last word, or copies what is long.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>
#include <vector>

struct Ring {
  alignas(128) std::atomic<uint32_t> tail{0};
  alignas(128) std::atomic<uint32_t> head{0};
  alignas(128) uint32_t capacity;
  size_t stride;
  std::vector<uint8_t> data;
  uint8_t* slot(uint32_t position) { return data.data() + size_t(position & (capacity - 1)) * stride; }
};

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  const size_t bytes = std::strtoull(argv[1], nullptr, 10);
  const uint64_t count = std::strtoull(argv[2], nullptr, 10);
  const uint32_t batch = std::strtoul(argv[3], nullptr, 10);
  Ring ring;
  ring.capacity = std::strtoul(argv[4], nullptr, 10);
  ring.stride = bytes;
  ring.data.resize(ring.capacity * bytes);
  const auto start = std::chrono::steady_clock::now();
  uint64_t sent = 0, received = 0;
  std::thread sender([&] {
    std::vector<uint8_t> payload(bytes, 7);
    uint32_t tail = 0, seen = 0;
    for (uint64_t next = 0; next < count;) {
      uint32_t want = uint32_t(std::min<uint64_t>(batch, count - next));
      uint32_t free = ring.capacity - (tail - seen);
      if (free < want) free = ring.capacity - (tail - (seen = ring.head.load(std::memory_order_acquire)));
      if (free < want) want = free;
      if (want == 0) continue;
      for (uint32_t i = 0; i < want; i++) {
        uint8_t* at = ring.slot(tail + i);
        const uint32_t number = uint32_t(next);
        if (bytes > 64) std::memcpy(at, payload.data(), bytes);
        else for (size_t word = 4; word + 4 < bytes; word += 4) std::memcpy(at + word, &number, 4);
        std::memcpy(at, &number, 4);
        std::memcpy(at + bytes - 4, &number, 4);
        sent += next++;
      }
      tail += want;
      ring.tail.store(tail, std::memory_order_release);
    }
  });
  std::vector<uint8_t> copy(bytes);
  uint32_t head = 0, seen = 0;
  for (uint64_t taken = 0; taken < count;) {
    uint32_t ready = seen - head;
    if (ready == 0) ready = (seen = ring.tail.load(std::memory_order_acquire)) - head;
    if (ready > batch) ready = batch;
    for (uint32_t i = 0; i < ready; i++) {
      const uint8_t* at = ring.slot(head + i);
      uint32_t first, last;
      if (bytes > 64) std::memcpy(copy.data(), at, bytes);
      std::memcpy(&first, at, 4);
      std::memcpy(&last, at + bytes - 4, 4);
      if (first != last) return 3;
      received += first;
    }
    head += ready;
    taken += ready;
    if (ready > 0) ring.head.store(head, std::memory_order_release);
  }
  sender.join();
  const auto end = std::chrono::steady_clock::now();
  if (received + copy[0] - copy[0] != sent) return 4;
  std::printf("%.6f\n", std::chrono::duration<double, std::milli>(end - start).count());
}
