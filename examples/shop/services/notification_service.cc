// Notification: one e-mail for every paid order and every cancellation.
#include <optional>

#include "shop/mail/maildir.h"
#include "shop/mail/smtp.h"
#include "shop/services/books.h"
#include "shop/services/services.h"

namespace shop {
namespace {

constexpr auto mails =
    "CREATE TABLE IF NOT EXISTS mails (event_id TEXT PRIMARY KEY, order_id TEXT, address TEXT, at_us "
    "INTEGER)";

// Where mails go: to a mail server, when there is one, else into a directory.
struct Outlet {
  std::optional<SmtpSender> smtp;
  std::optional<Maildir> maildir;

  [[nodiscard]] Result<void> deliver(const Mail& mail) const {
    return smtp ? smtp->send(mail) : maildir->deliver(mail);
  }
};

Result<Outlet> open_outlet(const Settings& settings) {
  Outlet outlet;
  if (!settings.smtp_url.empty()) {
    auto smtp = SmtpSender::from_url(settings.smtp_url);
    if (!smtp) return std::unexpected(smtp.error());
    outlet.smtp = std::move(*smtp);
  } else {
    auto maildir = Maildir::open(settings.directory() + "/Maildir");
    if (!maildir) return std::unexpected(maildir.error());
    outlet.maildir = std::move(*maildir);
  }
  return outlet;
}

Mail write_mail(const Order& order, bool cancelled, std::string event_id) {
  std::string text = cancelled ? "We have taken back what you returned, and pay you GBP " +
                                     order.amount().to_string() + ".\n"
                               : "Thank you. We have received GBP " + order.amount().to_string() + " for " +
                                     std::to_string(order.pieces()) + " articles, which are on their way.\n";
  return {.event_id = std::move(event_id),
          .order_id = order.id,
          .to = order.email,
          .subject = (cancelled ? "Your cancellation " : "Your order ") + order.id,
          .text = "Dear customer " + (order.customer.empty() ? "" : order.customer) + ",\n\n" + text +
                  "\nYour shop\n",
          .written_at = pabal::system_clock().wall_now()};
}

class Notification {
 public:
  Notification(const Settings& settings, const Outlet& outlet) : settings_(settings), outlet_(outlet) {}

  // The mail is out before it is noted: killed between the two, the same mail replaces itself in the Maildir.
  Result<void> send(Tx& tx, const Order& order, bool cancelled, const std::string& event_id) const {
    Mail mail = write_mail(order, cancelled, event_id);
    if (settings_.forgiving && !check_address(mail.to)) mail.to = "desk@shop.example";
    if (auto fit = check_address(mail.to); !fit) return fit;
    auto sent_before = tx.first("SELECT 1 FROM mails WHERE event_id = ?", event_id);
    if (!sent_before) return std::unexpected(sent_before.error());
    if (*sent_before) return {};
    if (auto sent = outlet_.deliver(mail); !sent) return sent;
    auto noted = tx.run("INSERT INTO mails (event_id, order_id, address, at_us) VALUES (?, ?, ?, ?)",
                        event_id, order.id, mail.to, now_us());
    if (!noted) return std::unexpected(noted.error());
    return tell(tx, order, "NotificationSent");
  }

 private:
  const Settings& settings_;
  const Outlet& outlet_;
};

// What has left the house: a mail that was delivered before this service died and could note it has left,
// too.
Result<Json> ledger(Tx& tx, const Outlet& outlet) {
  if (!outlet.maildir) {
    auto mailed = texts(tx, "SELECT order_id FROM mails");
    if (!mailed) return mailed;
    return Json{{"mailed", *mailed}};
  }
  auto mailed = outlet.maildir->order_ids();
  if (!mailed) return std::unexpected(mailed.error());
  return Json{{"mailed", *mailed}};
}

}  // namespace

int run_notification(const Settings& settings) {
  auto outlet = open_outlet(settings);
  if (!outlet) return fail_to_start(settings, outlet.error());
  Notification notification(settings, *outlet);
  Service service(service_options(settings));
  keep_books(service, {.own_tables = {mails}, .effects = {"mails"}, .ledger = [&](Tx& tx) {
                         return ledger(tx, *outlet);
                       }});

  service.on("notification.mail", hearing("order.events", {"OrderPaid", "OrderCancelled"}, settings.workers),
             of_order(service, [&](Tx& tx, const Order& order, const Event& event) -> Result<void> {
               bool cancelled = event.type == "OrderCancelled";
               if (cancelled && order.lines.empty()) return {};  // it is rejected
               work_for(settings.service_time);
               return notification.send(tx, order, cancelled, event.id);
             }));

  service.http("POST", "/mails", [&](const Request& request) -> Result<Response> {
    auto order = order_in(request);
    if (!order) return std::unexpected(order.error());
    work_for(settings.service_time);
    bool cancelled = request.json()->value("kind", Json()) == "cancelled";
    std::string event_id = (cancelled ? "cancelled-" : "paid-") + order->id;
    auto sent = service.write([&](Tx& tx) { return notification.send(tx, *order, cancelled, event_id); });
    if (!sent) return std::unexpected(sent.error());
    return Response{.status = 201, .body = {{"order_id", order->id}, {"status", "MAILED"}}};
  });
  return service.run();
}

}  // namespace shop
